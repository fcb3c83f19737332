"""Transaction: a write is whole or not at all, and is tried again when PostgreSQL asks for it."""

import functools
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from django.db import OperationalError, transaction

P = ParamSpec("P")
T = TypeVar("T")

MAX_TRIES = 5
# Long enough for the other transaction to finish, short enough not to be felt; jitter keeps two losers apart.
MAX_PAUSE_SECONDS = 0.05
# serialization_failure and deadlock_detected: nothing happened, and the same work may succeed now.
# https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
RETRIED_SQLSTATES = {"40001", "40P01"}

_is_open: ContextVar[bool] = ContextVar("transaction_is_open", default=False)


class TryAgain(Exception):
    """Somebody was faster: what the work has read is so no more. It is undone, and done again on what is there now.

    There is no limit to it: whoever raises this has seen that somebody else got ahead.
    """


def transactional(function: Callable[P, T]) -> Callable[P, T]:
    """Make a service one transaction: see ``run_in_transaction``."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_in_transaction(lambda: function(*args, **kwargs))

    return wrapper


def run_in_transaction(work: Callable[[], T]) -> T:
    """Return ``work()``, done in one transaction that an exception undoes.

    Called inside another ``run_in_transaction`` it joins that one, without the two round trips of a savepoint: an
    exception then undoes the whole. The outermost call repeats the work when it raises TryAgain, and at most five times
    when PostgreSQL reports a deadlock or a serialization failure, so ``work`` must have no effect outside the
    database.
    """
    if _is_open.get():
        with transaction.atomic(savepoint=False):
            return work()
    token = _is_open.set(True)
    try:
        return _run_with_retries(work)
    finally:
        _is_open.reset(token)


def _run_with_retries(work: Callable[[], T]) -> T:
    tries_left = MAX_TRIES
    while True:
        try:
            with transaction.atomic():
                return work()
        except TryAgain:
            continue
        except OperationalError as error:
            tries_left -= 1
            if not tries_left or sqlstate_of(error) not in RETRIED_SQLSTATES:
                raise
            time.sleep(random.uniform(0, MAX_PAUSE_SECONDS))  # noqa: S311 - jitter, not a secret


def sqlstate_of(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character code behind a Django database error."""
    return getattr(error.__cause__, "sqlstate", None)

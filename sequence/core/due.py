"""Due rows: which sweeps may have work, asked of the database in one statement instead of one transaction for each.

A sweep says with ``due_when`` which rows it would claim. Rows stay the truth: a sweep that is asked in vain does
nothing, and one that does not say is always asked.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import connection
from psycopg import sql

from sequence.core.typing import Rows

# The rows that a sweep would claim at an instant; None where no rows tell.
DueRows = Callable[[datetime], Iterable[Rows] | None]
Sweep = TypeVar("Sweep", bound=Callable[..., int])

# The question is composed for this instant. Whatever instant a condition names lies as far from the present one.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def due_when(rows: DueRows) -> Callable[[Sweep], Sweep]:
    """Let a sweep be asked only while one of the querysets that ``rows`` returns has a row."""

    def mark(sweep: Sweep) -> Sweep:
        sweep.due_rows = rows  # type: ignore[attr-defined]
        return sweep

    return mark


def with_due_rows(sweeps: Sequence[Sweep], now: datetime) -> list[Sweep]:
    """Return those of the sweeps that may have work at ``now``, in their order."""
    question, spans = _question(tuple(sweeps))
    with connection.cursor() as cursor:
        cursor.execute(question, [now + span for span in spans])
        answers = cursor.fetchone()
    return [sweep for sweep, is_due in zip(sweeps, answers, strict=True) if is_due]


@functools.lru_cache
def _question(sweeps: tuple[Callable[..., int], ...]) -> tuple[str, list[timedelta]]:
    """Return the statement, composed once, and how far from the present the instants that it asks for are."""
    spans: list[timedelta] = []
    return f"SELECT {', '.join(_condition(sweep, spans) for sweep in sweeps)}", spans


def _condition(sweep: Callable[..., int], spans: list[timedelta]) -> str:
    due_rows = getattr(sweep, "due_rows", None)
    rows = due_rows(_ANY_TIME) if due_rows else None
    if rows is None:
        return "TRUE"
    return " OR ".join(f"({_inline(*_select_first(each), spans)}) IS NOT NULL" for each in rows) or "FALSE"


def _select_first(rows: Rows) -> tuple[str, tuple[object, ...]]:
    """Return a SELECT of the first row in its order: for EXISTS, where order is lost, PostgreSQL may read all rows."""
    text, params = rows.values("pk")[:1].query.get_compiler(connection=connection).as_sql()
    return text, tuple(params)


def _inline(text: str, params: tuple[object, ...], spans: list[timedelta]) -> str:
    """Put all but instants into the text: a plan that is made once uses a partial index only for what stands there."""
    first, *others = text.split("%s")
    parts = [first]
    for value, rest in zip(params, others, strict=True):
        if isinstance(value, datetime):
            spans.append(value - _ANY_TIME)
            parts.append("%s")
        else:
            parts.append(sql.Literal(value).as_string(connection.connection))
        parts.append(rest)
    return "".join(parts)


def forget_questions() -> None:
    """Compose the questions anew, for whoever has changed what a sweep asks for."""
    _question.cache_clear()

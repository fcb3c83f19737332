"""Dry run of ``POST /transfers``: every check that it would walk, what it would do, and the least that would help.

Nothing is written, nothing is locked, and nothing is told that the key may not read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from accounts.services import find_accounts
from apikeys.authentication import AuthenticatedKey
from apikeys.caps import read_usage_until
from apikeys.limits import REASON, Check, Verdict
from apikeys.scopes import Scope
from apikeys.verdicts import checks, obstacles
from sequence.core import clock
from sequence.core.errors import DomainError, InvalidRequest, MayTell
from transfers.asking import Question, TransferRequest, begins_as, pose
from transfers.models import LATEST, Origin, Status
from transfers.routes import Route, manual_origin
from transfers.smallest_changes import Change, smallest_changes

T = TypeVar("T")


class DryRunVerdict(StrEnum):
    """What ``POST /transfers`` would do with it."""

    ALLOWED = "allowed"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"


VERDICTS = {
    Verdict.PASS: DryRunVerdict.ALLOWED,
    Verdict.APPROVAL: DryRunVerdict.NEEDS_APPROVAL,
    Verdict.FAIL: DryRunVerdict.REFUSED,
}


@dataclass(frozen=True)
class ShownCheck:
    """One check as it is told; ``entry`` is the index of the key's entry that it is of."""

    check: str
    verdict: Verdict
    entry: int | None = None
    limit: int | None = None
    used: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True)
class DryRun:
    """What ``POST /transfers`` would do with the request now. ``refusal`` is what it would answer where it refuses."""

    question: Question
    verdict: Verdict
    route: Route | None
    refusal: DomainError | None
    checks: list[ShownCheck]
    would_complete: bool | None
    changes: list[Change]

    @property
    def origin(self) -> Origin | None:
        """Whose wish the transfer would be."""
        return manual_origin(self.route) if self.route else None

    @property
    def expected_status(self) -> Status | None:
        """The status that the transfer would begin with."""
        return None if self.verdict is Verdict.FAIL else begins_as(self.verdict)


def dry_run(key: AuthenticatedKey, request: TransferRequest) -> DryRun:
    """Return what would become of the request. Raises what ``pose`` does."""
    question = pose(key, request, now=clock.now(), find=find_accounts)
    route, refusal = _attempt(question.route)
    limits_allow, limits_refuse = _attempt(question.choose)
    verdict = Verdict.FAIL if refusal or limits_allow is None else limits_allow[1]
    balance, would_complete = _balance(question)
    shown = [ShownCheck("route", Verdict.FAIL if refusal else Verdict.PASS), *_of_entries(question), balance]
    helps = refusal is None and verdict is not Verdict.PASS and bool(question.entries)
    return DryRun(
        question, verdict, route, refusal or limits_refuse, shown, would_complete, _changes(question) if helps else []
    )


def _attempt(find: Callable[[], T]) -> tuple[T | None, DomainError | None]:
    try:
        return find(), None
    except DomainError as refusal:
        return None, refusal


def _of_entries(question: Question) -> list[ShownCheck]:
    """Return the checks of every matching entry, in the order in which ``POST /transfers`` looks at them."""
    return [
        _shown(check, question.key.permissions.index(entry))
        for entry in question.entries
        for check in checks(entry, question.ask, question.usage)
    ]


def _shown(check: Check, entry: int) -> ShownCheck:
    limit = None if check.limit.code == REASON else check.most
    return ShownCheck(check.limit.code, check.verdict, entry, limit, check.used, check.resets_at)


def _balance(question: Question) -> tuple[ShownCheck, bool | None]:
    """Return whether the source has the money now, as far as the key may know and its institution tells."""
    available = question.source.available_cents
    if available is None or not question.key.can(Scope.READ_ACCOUNTS, question.source.id):
        return ShownCheck("balance", Verdict.UNKNOWN), None
    is_enough = question.ask.amount_cents <= available
    return ShownCheck("balance", Verdict.PASS if is_enough else Verdict.FAIL), is_enough


def _changes(question: Question) -> list[Change]:
    spend_ids = [entry.spend_id for entry in question.entries if entry.spend_id]
    owner, until = question.key.organization_id, question.now + LATEST
    return smallest_changes(question, read_usage_until([owner], spend_ids, question.ask.at, until))


def sentence(run: DryRun, may_tell: MayTell) -> str:
    """Return the verdict in one plain sentence, for a reader who may know some accounts."""
    if run.verdict is Verdict.FAIL:
        return f"Refused: {_why_refused(run, may_tell)}"
    later = f" on {run.question.ask.at:%Y-%m-%d at %H:%M:%S} UTC" if run.question.ask.at > run.question.now else ""
    ending = " it would end as incomplete: the source has too little." if run.would_complete is False else ""
    if run.verdict is Verdict.APPROVAL:
        above = run.question.choose()[0].approval_above
        return f"Needs approval: above {above:,} cents a person decides" + (f", and then{ending}" if ending else ".")
    return f"Allowed: a worker would take it{later or ' at once'}" + (f", but{ending}" if ending else ".")


def _why_refused(run: DryRun, may_tell: MayTell) -> str:
    if isinstance(run.refusal, InvalidRequest):
        # As it is: it may begin with an account's name.
        return str(run.refusal.told_to(may_tell).details[0]["message"])
    question = run.question
    if not question.entries:
        return "no permission of the key reaches these two accounts."
    return _lowered(obstacles(question.entries, question.ask, question.usage)[0].sentence)


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]

"""Question that ``POST /transfers`` and its dry run put: may this key move this much from here to there, and when?

Both build the same question and walk the same checks, in the same order: the route, then each matching entry's limits.
The one acts at the first answer, under locks; the other asks for all of them, locks nothing, and tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account
from accounts.services import find_accounts_for_reference
from apikeys.authentication import AuthenticatedKey
from apikeys.caps import read_usage
from apikeys.entries import Permission
from apikeys.limits import Ask, Usage, Verdict, has_period_limit
from apikeys.verdicts import choose_entry, lacks_only_a_reason, obstacles
from sequence.core.errors import DomainError, Forbidden, InvalidRequest
from transfers.approvals import FindAccounts, matching_entries
from transfers.errors import MaxAmountExceeded, ReasonRequired
from transfers.models import OUT_OF_REACH, Status, Transfer, is_in_reach
from transfers.routes import Route, manual_origin, route_between


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What a caller asks for, as the body of ``POST /transfers`` and the header of the reason tell it. Cents, UTC."""

    source_account_id: str
    destination_account_id: str
    amount_in_cents: int
    description: str | None = None
    not_before: datetime | None = None
    called_reason: str | None = None


@dataclass(frozen=True)
class Question:
    """What is asked, with the facts that it is answered by, as of ``now`` (UTC)."""

    key: AuthenticatedKey
    source: Account
    destination: Account
    entries: Sequence[Permission]
    ask: Ask
    usage: Usage
    now: datetime

    def route(self) -> Route:
        """Return how money gets there. Raises InvalidRequest where it cannot."""
        return route_between(self.source, self.destination)

    def choose(self) -> tuple[Permission, Verdict]:
        """Return the entry that it goes through, and whether a person must approve it (APPROVAL, or PASS).

        Raises ReasonRequired, or MaxAmountExceeded with every limit in the way.
        """
        entry, verdict = choose_entry(self.entries, self.ask, self.usage)
        if entry is None:
            raise self.refusal()
        return entry, verdict

    def refusal(self) -> DomainError:
        """Return why no entry lets it through."""
        if not self.entries:
            return Forbidden()
        if lacks_only_a_reason(self.entries, self.ask, self.usage):
            return ReasonRequired.of_header()
        return MaxAmountExceeded.because_of(obstacles(self.entries, self.ask, self.usage))


def pose(
    key: AuthenticatedKey,
    request: TransferRequest,
    *,
    now: datetime,
    find: FindAccounts = find_accounts_for_reference,
) -> Question:
    """Return the question that the request puts. The caller has checked that an entry of the key matches the pair.

    ``find`` keeps the accounts, or only looks at them. Raises InvalidRequest for a time that is past or too far away,
    AccountNotFound.
    """
    due = _due_at(request.not_before, now)
    source, destination = find(
        request.source_account_id, request.destination_account_id, organization_id=key.organization_id
    )
    entries = matching_entries(key.permissions, source.id, destination.id)
    ask = Ask(request.amount_in_cents, due, request.called_reason is not None)
    capped = [entry.spend_id for entry in entries if entry.spend_id and has_period_limit(entry)]
    usage = read_usage(key.organization_id, capped, due) if capped else {}
    return Question(key, source, destination, entries, ask, usage, now)


def asked_transfer(
    question: Question, request: TransferRequest, *, request_id: str | None
) -> tuple[Transfer, Permission]:
    """Return the transfer that the request asks for, as it begins, not written yet, and the entry it goes through.

    Raises InvalidRequest for a pair that money cannot go between, and what ``choose`` raises.
    """
    route = question.route()
    permission, verdict = question.choose()
    transfer = Transfer(
        organization_id=question.key.organization_id,
        amount_cents=request.amount_in_cents,
        direction=route.direction,
        origin=manual_origin(route),
        status=begins_as(verdict),
        description=request.description,
        source=question.source,
        destination=question.destination,
        rail=route.rail,
        api_key_id=question.key.id,
        request_id=request_id,
        called_reason=request.called_reason,
        spend_id=permission.spend_id,
        created_at=question.now,
        not_before=request.not_before,
        updated_at=question.now,
    )
    return transfer, permission


def begins_as(verdict: Verdict) -> Status:
    """Return the status in which a transfer begins that an entry lets through."""
    return Status.PENDING_APPROVAL if verdict is Verdict.APPROVAL else Status.PROCESSING


def _due_at(not_before: datetime | None, now: datetime) -> datetime:
    if not_before is None:
        return now
    # Again, though the body was read a moment ago.
    if not is_in_reach(not_before, now):
        raise InvalidRequest.of("not_before", "out_of_reach", OUT_OF_REACH)
    return not_before

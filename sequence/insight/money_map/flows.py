"""Flows of a period: read from the transfers that completed, and from the ledger where no transfer tells it.

Counted is money that has arrived to stay: a payment that came back is left out as if it had never been made, and what
of it could not go back is a flow of its own to suspense. So what all flows bring to a pod, less what they take from it,
is what the ledger holds there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Account, AccountType
from rules.models import Rule, RuleStatus
from sequence.core.admin.periods import Period
from sequence.core.typing import Context
from transfers.models import Clearing, EntrySetKind, Posting, Status, Transfer

# More than anybody follows with the eye. Beyond these, the smallest flows and the oldest rules are left out, and the
# page says so.
MAX_FLOWS = 300
MAX_RULES = 200
MAX_IDLE = 100


class FlowKind(Enum):
    """What made the money flow, in words."""

    RULE = "Rule"
    MANUAL = "By hand"
    DEPOSIT = "Deposits"
    PULL = "Pulls from outside"
    PURCHASE = "Card purchases"
    REFUND = "Card refunds"
    RETURN = "Came back, but not to the account"
    RELEASE = "Out of suspense"
    # In the picture alone, where accounts stand together.
    SEVERAL = "Several"


class RuleState(Enum):
    """Whether a rule's arrow may carry money again."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    DELETED = "Deleted"
    # The rule made it once; its present version does not name this pair any more.
    EARLIER = "Earlier version"


@dataclass(frozen=True)
class Flow:
    """Money from one place to another, or a rule that may send some. A place is an account's id or a clearing account.

    ``number`` counts transfers, or postings where there is none.
    """

    kind: FlowKind
    source: str
    target: str
    number: int = 0
    cents: int = 0
    rule: Rule | None = None
    state: RuleState | None = None


@dataclass(frozen=True)
class MoneyMap:
    """``flows`` the largest first, ``accounts`` at their ends by id, ``idle`` those that nothing leads to or from."""

    flows: list[Flow]
    accounts: dict[str, Account]
    idle: list[Account]
    # What the bounds have cut off.
    has_more_flows: bool
    has_more_rules: bool
    has_more_idle: bool

    def gained_cents(self, place: str) -> int:
        return sum(flow.cents for flow in self.flows if flow.target == place)

    def lost_cents(self, place: str) -> int:
        return sum(flow.cents for flow in self.flows if flow.source == place)

    def across_cents(self, *, from_inside: bool, to_inside: bool) -> int:
        """Return what crossed the border of the system, or stayed on one side. The ledger's accounts are inside."""
        return sum(
            flow.cents
            for flow in self.flows
            if (self._is_inside(flow.source), self._is_inside(flow.target)) == (from_inside, to_inside)
        )

    def _is_inside(self, place: str) -> bool:
        account = self.accounts.get(place)
        return account is not None and account.type != AccountType.EXTERNAL_ACCOUNT


def read_map(organization_id: str, period: Period) -> MoneyMap:
    """Return the organization's map in six queries, however much there is."""
    moved = _transfers(organization_id, period)
    rules, has_more_rules = _rules(organization_id, {row["rule_id"] for row in moved if row["rule_id"]})
    flows = [
        *_transferred(moved, rules),
        *_card_flows(organization_id, period),
        *_returns(organization_id, period),
        *_releases(organization_id, period),
    ]
    flows += _unused(rules.values(), flows)
    flows.sort(key=lambda flow: (-flow.cents, -flow.number))
    shown = flows[:MAX_FLOWS]
    accounts = _accounts(organization_id, shown)
    idle = _idle(organization_id, accounts)
    return MoneyMap(
        flows=shown,
        accounts=accounts,
        idle=idle[:MAX_IDLE],
        has_more_flows=len(flows) > MAX_FLOWS,
        has_more_rules=has_more_rules,
        has_more_idle=len(idle) > MAX_IDLE,
    )


def _transfers(organization_id: str, period: Period) -> list[Context]:
    """Sum up what was completed and has not come back: one row for each rule, source and destination."""
    completed = Transfer.objects.for_organization(organization_id).filter(
        **period.within("completed_at"), status=Status.COMPLETE
    )
    groups = completed.values("rule_id", "source_id", "destination_id").order_by()
    sums = groups.annotate(number=Count("id"), cents=Sum("amount_cents"))
    largest = sums.order_by("-cents", "rule_id", "source_id", "destination_id")[: MAX_FLOWS + 1]
    return [dict(row) for row in largest]


def _rules(organization_id: str, moved: set[str]) -> tuple[dict[str, Rule], bool]:
    """Return the rules that moved something and those that may, and whether there are more of the latter."""
    rows = Rule.objects.for_organization(organization_id).filter(Q(deleted_at=None) | Q(id__in=moved))
    # Those that moved something first: their flows need their names.
    found = list(
        rows.annotate(has_moved=Q(id__in=moved)).order_by("-has_moved", "-status", "-created_at", "-id")[
            : MAX_RULES + 1
        ]
    )
    return {rule.id: rule for rule in found[:MAX_RULES]}, len(found) > MAX_RULES


def _transferred(rows: Iterable[Context], rules: dict[str, Rule]) -> Iterator[Flow]:
    pairs = {rule.id: set(_pairs(rule)) for rule in rules.values()}
    for row in rows:
        source, target = row["source_id"] or Clearing.DEPOSITS, row["destination_id"] or Clearing.EXTERNAL_PULLS
        rule = rules.get(row["rule_id"])
        state = _state(rule, (source, target) in pairs[rule.id]) if rule else None
        yield Flow(_kind(row), source, target, row["number"], row["cents"], rule, state)


def _kind(row: Context) -> FlowKind:
    if row["rule_id"]:
        return FlowKind.RULE
    if row["source_id"] is None:
        return FlowKind.DEPOSIT
    return FlowKind.PULL if row["destination_id"] is None else FlowKind.MANUAL


def _state(rule: Rule, is_present: bool) -> RuleState:
    if rule.deleted_at is not None:
        return RuleState.DELETED
    if not is_present:
        return RuleState.EARLIER
    return RuleState.ENABLED if rule.status == RuleStatus.ENABLED else RuleState.DISABLED


def _pairs(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the source and the destination of every movement that the rule's actions may make."""
    for action in rule.parsed().actions():
        for reference in action.destinations():
            yield action.source.id, reference.account.id


def _unused(rules: Iterable[Rule], flows: Iterable[Flow]) -> list[Flow]:
    """Return the arrows of rules that carried nothing in the period."""
    used = {(flow.rule.id, flow.source, flow.target) for flow in flows if flow.rule}
    return [
        Flow(FlowKind.RULE, source, target, rule=rule, state=_state(rule, is_present=True))
        for rule in rules
        if rule.deleted_at is None
        for source, target in dict.fromkeys(_pairs(rule))
        if (rule.id, source, target) not in used
    ]


def _card_flows(organization_id: str, period: Period) -> Iterator[Flow]:
    """Yield purchases and refunds by pod. They are no transfers, and cards are above this room: the ledger has them."""
    postings = Posting.objects.filter(
        **period.within("posted_at"), organization_id=organization_id, entry_set__kind=EntrySetKind.CARD
    )
    for row in _by_side(postings.exclude(clearing=Clearing.CARDS), "account_id"):
        place = row["account_id"] or Clearing.SUSPENSE
        if row["is_gain"]:
            yield Flow(FlowKind.REFUND, Clearing.CARDS, place, row["number"], row["cents"])
        else:
            yield Flow(FlowKind.PURCHASE, place, Clearing.CARDS, row["number"], -row["cents"])


def _returns(organization_id: str, period: Period) -> Iterator[Flow]:
    """Yield what of a returned payment went to suspense, since its account was deleted or had spent the money."""
    postings = Posting.objects.filter(
        **period.within("posted_at"),
        organization_id=organization_id,
        clearing=Clearing.SUSPENSE,
        entry_set__kind=EntrySetKind.REVERSAL,
    )
    for row in _by_side(postings, "entry_set__transfer__source_id", "entry_set__transfer__destination_id"):
        if row["is_gain"]:
            source = row["entry_set__transfer__source_id"]
            yield Flow(FlowKind.RETURN, source, Clearing.SUSPENSE, row["number"], row["cents"])
        else:
            target = row["entry_set__transfer__destination_id"]
            yield Flow(FlowKind.RETURN, Clearing.SUSPENSE, target, row["number"], -row["cents"])


def _releases(organization_id: str, period: Period) -> Iterator[Flow]:
    """Yield what was posted out of suspense: to accounts, or written off."""
    postings = Posting.objects.filter(
        **period.within("posted_at"), organization_id=organization_id, entry_set__kind=EntrySetKind.RELEASE
    )
    for row in _by_side(postings.exclude(clearing=Clearing.SUSPENSE), "account_id"):
        place = row["account_id"] or Clearing.WRITE_OFF
        if row["is_gain"]:
            yield Flow(FlowKind.RELEASE, Clearing.SUSPENSE, place, row["number"], row["cents"])
        else:
            yield Flow(FlowKind.RELEASE, place, Clearing.SUSPENSE, row["number"], -row["cents"])


def _by_side(postings: "QuerySet[Posting]", *ends: str) -> Iterable[Context]:
    """Sum up gains and losses apart."""
    sides = postings.annotate(is_gain=Q(amount_cents__gt=0)).values(*ends, "is_gain")
    sums = sides.annotate(number=Count("id"), cents=Sum("amount_cents"))
    return sums.order_by(*ends, "is_gain")[:MAX_FLOWS]


def _accounts(organization_id: str, flows: Iterable[Flow]) -> dict[str, Account]:
    """Return the accounts at the ends, deleted ones too, in the order in which money comes along."""
    ids = {place for flow in flows for place in (flow.source, flow.target)} - set(Clearing.values)
    rows = Account.objects.for_organization(organization_id).filter(id__in=ids).only(*_SHOWN)
    found = sorted(rows, key=lambda account: (_ORDER[account.type], account.name, account.id))
    return {account.id: account for account in found}


def _idle(organization_id: str, connected: Iterable[str]) -> list[Account]:
    rows = Account.objects.for_organization(organization_id).not_deleted().exclude(id__in=list(connected)).only(*_SHOWN)
    return list(rows.order_by("name", "id")[: MAX_IDLE + 1])


_ORDER: dict[str, int] = {AccountType.INCOME_SOURCE: 0, AccountType.POD: 1, AccountType.EXTERNAL_ACCOUNT: 2}
# No bank numbers: what nobody sees is not read and decrypted.
_SHOWN = ("name", "type", "external_account_type", "balance_cents", "deleted_at")

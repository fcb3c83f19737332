"""Facts of accounts, for a person who decides: whoever writes a name must not choose the words by which it is judged.

Beside the name stand what nobody can write who may only rename: the kind, the institution, the last digits, whether the
money leaves the house, and who renamed the account lately, with the name from before. Two statements for any number of
accounts. Days are told, never hours: what a page shows must be the same when its button is pressed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Account, AccountType
from apikeys.models import ApiKey
from sequence.core import clock
from sequence.core.admin.display import shorten

# For so long a new name is told as new: a month of statements is what people remember an account by.
RENAMED_LATELY = timedelta(days=30)
_STAYS = "stays in the house"


@dataclass(frozen=True)
class Description:
    """One account as a page tells it."""

    name: str
    # What it is, where, under which number, and whether the money leaves the house.
    facts: str
    # Who gave it its name lately, and what it was called before; empty where nobody did.
    renamed: str = ""

    @property
    def short(self) -> str:
        """The account inside a sentence; that its money stays goes without saying there."""
        facts = self.facts.replace(f", {_STAYS}", "")
        return f"{quoted(self.name)} ({facts}{', renamed lately' if self.renamed else ''})"

    @property
    def line(self) -> str:
        """The account in a sentence of its own."""
        return f"{quoted(self.name)}: {self.facts}.{f' {self.renamed}' if self.renamed else ''}"


def quoted(name: str) -> str:
    """Return a name between quotation marks that it cannot close itself."""
    inside = name.replace("“", "'").replace("”", "'")
    return f"“{inside}”"


def describe_accounts(account_ids: Iterable[str | None]) -> dict[str, Description]:
    """Return what a page tells of the accounts, by id, in the order of the ids; deleted ones too."""
    rows = Account.objects.filter(id__in=[id for id in account_ids if id]).order_by("id")
    return describe(rows)


def describe(accounts: Iterable[Account]) -> dict[str, Description]:
    """Return what a page tells of the accounts, by id, in their order."""
    listed = list(accounts)
    renamings = _renamings_of({account.id: account.name for account in listed}, clock.now())
    return {
        account.id: Description(account.name, _facts_of(account), renamings.get(account.id, "")) for account in listed
    }


def _facts_of(account: Account) -> str:
    kind = account.kind
    if account.institution_name:
        kind = f"{kind} at {quoted(account.institution_name)}"
    leaves = account.type == AccountType.EXTERNAL_ACCOUNT
    parts = [
        kind,
        account.masked_bank_account_number or shorten(account.id),
        "leaves the house" if leaves else _STAYS,
        *(["deleted"] if account.deleted_at else []),
    ]
    return ", ".join(parts)


def _renamings_of(names: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Tell the accounts that are called otherwise than a month ago: a name in between would hide the true one."""
    since = now - RENAMED_LATELY
    events = Account.pgh_event_model.objects  # type: ignore[attr-defined]
    earlier = events.filter(pgh_obj_id=OuterRef("pgh_obj_id"))
    newest_first = earlier.order_by("-pgh_id").values("name")
    previous = newest_first.filter(pgh_id__lt=OuterRef("pgh_id"))[:1]
    then = Coalesce(
        Subquery(newest_first.filter(pgh_created_at__lt=since)[:1]),
        Subquery(earlier.order_by("pgh_id").values("name")[:1]),
    )
    renamings = (
        events.filter(pgh_obj_id__in=list(names), pgh_created_at__gte=since)
        .annotate(previous=Subquery(previous), then=then)
        .exclude(previous=None)
        .exclude(previous=F("name"))
        .order_by("pgh_obj_id", "-pgh_id")
        .distinct("pgh_obj_id")
        .values_list("pgh_obj_id", "then", "pgh_created_at", "pgh_context__metadata")
    )
    rows = [row for row in renamings if row[1] != names[row[0]]]  # One that came back to its name is what it was.
    actors = _actors_in_words([(metadata or {}).get("actor") for *_, metadata in rows])
    return {
        id: f"Renamed {_day(at, now)} by {actor}; before: {quoted(name)}."
        for (id, name, at, _), actor in zip(rows, actors, strict=True)
    }


def _day(at: datetime, now: datetime) -> str:
    days = max((now.date() - at.date()).days, 0)
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def _actors_in_words(actors: Sequence[str | None]) -> list[str]:
    ids = {actor.removeprefix("key:") for actor in actors if actor and actor.startswith("key:")}
    keys = {f"key:{key.id}": key for key in ApiKey.objects.filter(id__in=ids).defer("digest")} if ids else {}
    words = []
    for actor in actors:
        key = keys.get(actor or "")
        who = f"key {quoted(key.name)} ({key.prefix}…)" if key else (actor or "somebody outside the application")
        words.append(who.removeprefix("staff:"))
    return words

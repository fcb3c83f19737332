"""Verdict on what a key asks for: which of its entries lets it through, or every limit that stands in the way.

The one place that decides. ``POST /transfers`` and approvals stop at an entry's first obstacle; the dry run and a
refusal's details ask for all checks, of the same limits and in the same order.
"""

from collections.abc import Iterator, Sequence

from apikeys.entries import Permission
from apikeys.limits import REASON, Ask, Check, Usage, Verdict


def checks(entry: Permission, ask: Ask, usage: Usage) -> Iterator[Check]:
    """Yield how each limit that the entry has stands with what is asked, in the order of the contract."""
    for limit in entry.transfer_limits:
        check = limit.check(entry, ask, usage)
        if check is not None:
            yield check


def verdict_of(entry: Permission, ask: Ask, usage: Usage) -> Verdict:
    """Return FAIL at the first limit in the way, APPROVAL where a person must decide, else PASS."""
    verdict = Verdict.PASS
    for check in checks(entry, ask, usage):
        if check.verdict is Verdict.FAIL:
            return Verdict.FAIL
        if check.verdict is Verdict.APPROVAL:
            verdict = Verdict.APPROVAL
    return verdict


def choose_entry(entries: Sequence[Permission], ask: Ask, usage: Usage) -> tuple[Permission | None, Verdict]:
    """Return the entry that lets it through, and whether a person must approve it; None and FAIL where none does.

    The first that needs nobody wins over the first that needs a person.
    """
    with_approval: Permission | None = None
    for entry in entries:
        verdict = verdict_of(entry, ask, usage)
        if verdict is Verdict.PASS:
            return entry, verdict
        if verdict is Verdict.APPROVAL and with_approval is None:
            with_approval = entry
    return with_approval, Verdict.FAIL if with_approval is None else Verdict.APPROVAL


def obstacles(entries: Sequence[Permission], ask: Ask, usage: Usage) -> list[Check]:
    """Return every check of every entry that fails."""
    return [check for entry in entries for check in checks(entry, ask, usage) if check.verdict is Verdict.FAIL]


def lacks_only_a_reason(entries: Sequence[Permission], ask: Ask, usage: Usage) -> bool:
    """Say whether an entry would let it through if the caller said why."""
    return any([check.limit.code for check in obstacles([entry], ask, usage)] == [REASON] for entry in entries)

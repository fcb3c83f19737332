"""What the search finds of rules."""

from collections.abc import Iterable

from rules.models import Rule
from sequence.core.admin.searching import Asked, Hit, Hits, gather
from sequence.core.admin.timeline import address_of


def find_rules(asked: Asked) -> Iterable[Hits]:
    """Find rules by name."""
    if not asked.is_word:
        return ()
    rows = Rule.objects.filter(nickname__icontains=asked.text).select_related("organization")
    return gather("Rules", rows.order_by("nickname", "id"), _rule)


def _rule(rule: Rule) -> Hit:
    state = ("Deleted", "quiet") if rule.deleted_at else None
    return Hit(str(rule), f"of {rule.organization}, {rule.get_status_display().lower()}", address_of(rule), state)

"""Actors on the staff's pages: who this is on the audit trail, and whether they may read everybody's changes."""

from django.http import HttpRequest


def actor_of(request: HttpRequest) -> str:
    """Return who this is on the audit trail: ``staff:<user name>``."""
    return f"staff:{request.user.get_username()}"


def may_see_trail(request: HttpRequest) -> bool:
    """Say whether this person may read everybody's changes."""
    return request.user.is_active and request.user.has_perm("sequence.view_audittrail")

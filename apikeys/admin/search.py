"""What the search finds of keys and organizations, and what a whole pasted key opens."""

import re
from collections.abc import Iterable

from django.db.models import Model, Q

from apikeys.models import ApiKey, Organization
from apikeys.tokens import PREFIX, SHOWN_LENGTH, TOKEN_LENGTH, digest_of, is_well_formed
from sequence.core.admin.searching import Asked, Hit, Hits, address_of_list, gather
from sequence.core.admin.timeline import address_of

# What holds more of a key than people are shown, complete or not: within a header, a line of a shell, a program. A
# whole one is seen within a word, too; words that merely end like its beginning are none.
_MORE_THAN_SHOWN = SHOWN_LENGTH - len(PREFIX) + 1
_SECRET = re.compile(
    rf"{PREFIX}[0-9A-Za-z]{{{TOKEN_LENGTH - len(PREFIX)}}}|(?<![0-9A-Za-z]){PREFIX}[0-9A-Za-z]{{{_MORE_THAN_SHOWN},}}"
)


def open_by_token(text: str) -> tuple[bool, Model | None]:
    """Say whether the text holds the secret of a key, or a part of one, and find the key by the secret's hash."""
    secrets = _SECRET.findall(text)
    digests = [digest_of(secret) for secret in secrets if is_well_formed(secret)]
    return bool(secrets), ApiKey.objects.filter(digest__in=digests).only("id").first() if digests else None


def find_organizations(asked: Asked) -> Iterable[Hits]:
    """Find organizations by name or legal name."""
    if not asked.is_word:
        return ()
    named = Q(name__icontains=asked.text) | Q(legal_name__icontains=asked.text)
    rows = Organization.objects.filter(named).order_by("name", "id")
    return gather("Organizations", rows, _organization, address=address_of_list(Organization, q=asked.text))


def find_keys(asked: Asked) -> Iterable[Hits]:
    """Find keys by name, or by how they begin."""
    if not asked.is_word:
        return ()
    meant = Q(name__icontains=asked.text) | Q(prefix__startswith=asked.text)
    rows = ApiKey.objects.filter(meant).select_related("organization").defer("digest").order_by("-created_at", "-id")
    return gather("API keys", rows, _key)


def _organization(organization: Organization) -> Hit:
    return Hit(organization.name, organization.legal_name, address_of(organization))


def _key(key: ApiKey) -> Hit:
    state = ("Revoked", "quiet") if key.revoked_at else ("Paused", "warn") if key.paused_at else None
    return Hit(str(key), f"of {key.organization}", address_of(key), state, urgent=(key, "stop"))

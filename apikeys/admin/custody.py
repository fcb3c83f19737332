"""Custody on pages: who may not decide on what a key did, why, and who may."""

from collections.abc import Sequence

from apikeys.custody import custodians_of, in_words
from apikeys.models import ApiKey
from sequence.core.admin.deciders import SHOWN_NAMES, STAFF, Deciders, tell_deciders


def deciders_on(key: ApiKey | None, *, role: str, permissions: Sequence[str]) -> Deciders:
    """Return who may decide on what the key did: staff with the permissions who never were its custodians.

    ``role`` says what the key has to do with it. Without a key nobody is barred.
    """
    custodians = [] if key is None else list(custodians_of(key))
    barred = [custodian.actor for custodian in custodians]
    people = [custodian for custodian in custodians if custodian.actor.startswith(STAFF)]
    told = [in_words(custodian, role=role) for custodian in people[:SHOWN_NAMES]]
    if len(people) > SHOWN_NAMES:
        told.append(f"So it is with {len(people) - SHOWN_NAMES} more people.")
    return Deciders([*told, tell_deciders(permissions, but=barred)], barred)

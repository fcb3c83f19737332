"""Custody of a key: who must not decide on what it asks for, because they may have asked themselves.

Whoever created, rotated or changed a key saw a secret of its lineage or let it do more. From then on and for the whole
lineage a decision on its transfers and rules is another person's.
"""

from collections.abc import Iterable

from django.db.models import QuerySet

from apikeys.models import ApiKey, Custody, KeyCustodian

_KEY_ACTOR = "key:"


def note_custodian(key: ApiKey, *, actor: str, how: Custody) -> None:
    """Remember that ``actor`` did this to the key. What they did first is kept."""
    custodian = KeyCustodian(organization_id=key.organization_id, lineage_id=key.lineage_id, actor=actor, how=how)
    KeyCustodian.objects.bulk_create([custodian], ignore_conflicts=True)


def custodians_of(key: ApiKey) -> QuerySet[KeyCustodian]:
    """Return everybody who ever was a custodian of the key's lineage, the first one first."""
    custodians = KeyCustodian.objects.filter(organization_id=key.organization_id, lineage_id=key.lineage_id)
    return custodians.order_by("since", "id")


def reason_against(key: ApiKey, *, by: str, role: str) -> str | None:
    """Return why ``by`` must not decide on what the key did, None where nothing is known against it.

    ``role`` says what the key has to do with it: "asked for this".
    """
    custodian = custodians_of(key).filter(actor=by).first()
    return None if custodian is None else in_words(custodian, role=role)


def reasons_against(lineage_ids: Iterable[str], *, by: str, role: str) -> dict[str, str]:
    """Return what ``reason_against`` would, by the lineage of the key, without those it knows nothing against."""
    custodians = KeyCustodian.objects.filter(lineage_id__in=set(lineage_ids), actor=by)
    return {custodian.lineage_id: in_words(custodian, role=role) for custodian in custodians}


def in_words(custodian: KeyCustodian, *, role: str) -> str:
    """Return why the custodian must not decide, as a sentence."""
    name = custodian.actor.removeprefix("staff:")
    deed = f"On {custodian.since:%Y-%m-%d} {name} {custodian.how} the key that {role}"
    return f"{deed}, so somebody else must decide."


def key_id_of(actor: str | None) -> str | None:
    """Return the id of the key that the audit trail's name means, None for a person, a command or a worker."""
    return actor.removeprefix(_KEY_ACTOR) if actor is not None and actor.startswith(_KEY_ACTOR) else None


def find_key_of_actor(actor: str) -> ApiKey | None:
    """Return the key that the audit trail's name of a key means, None for a person, a command or a worker."""
    key_id = key_id_of(actor)
    return None if key_id is None else ApiKey.objects.defer("digest").filter(id=key_id).first()

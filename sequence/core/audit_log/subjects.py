"""Subject of an entry: the object that something was done to, and the organization that it belongs to."""

from collections.abc import Iterable
from functools import cache

from django.apps import apps
from django.db import models

from sequence.core.api.ids import NOUNS, PrefixedIdField, noun_of
from sequence.core.audit_log.recording import Resource

# The organization, if it is known, and the object.
Subject = tuple[str | None, Resource | None]
NOTHING: Subject = (None, None)


def subject_of(*candidates: object) -> Subject:
    """Return the subject that the first of the candidates is or names: an object, or the whole id of one."""
    for candidate in candidates:
        if isinstance(candidate, models.Model):
            return _organization_of(candidate), (_noun_of(candidate), str(candidate.pk))
        noun = noun_of(candidate)
        if noun is not None:
            return _organization_by_id(str(candidate)), (noun, str(candidate))
    return NOTHING


def flat(result: object) -> Iterable[object]:
    """Return the object that some work gave back, where it gave it with something that belongs to it, such as a key."""
    return result[:1] if isinstance(result, tuple) else (result,)


def noun_of_model(model: type[models.Model]) -> str:
    """Return what a row of the model is called in an action's name. Keys are the API's alone, hence shorter."""
    key = model._meta.pk
    noun = NOUNS[key.prefix] if isinstance(key, PrefixedIdField) else str(model._meta.verbose_name)
    return "key" if noun == "api_key" else noun.replace(" ", "_")


def _noun_of(obj: models.Model) -> str:
    return noun_of(obj.pk) or noun_of_model(type(obj))


def _organization_of(obj: models.Model) -> str | None:
    if noun_of(obj.pk) == "organization":
        return str(obj.pk)
    id = getattr(obj, "organization_id", None)
    return None if id is None else str(id)


def _organization_by_id(id: str) -> str | None:
    if noun_of(id) == "organization":
        # Somebody may have named one that there is not; the entry then belongs to none.
        organizations = apps.get_model("apikeys", "Organization")._base_manager
        return id if organizations.filter(pk=id).exists() else None
    model = _models_by_prefix().get(id.partition("_")[0])
    if model is None:
        return None
    found = model._base_manager.filter(pk=id).values_list("organization_id", flat=True).first()
    return None if found is None else str(found)


@cache
def _models_by_prefix() -> dict[str, type[models.Model]]:
    """Return the models whose rows belong to an organization, by the prefix of their ids."""
    found = {}
    for model in apps.get_models():
        names = {field.name for field in model._meta.concrete_fields}
        if isinstance(model._meta.pk, PrefixedIdField) and "organization" in names and not model._meta.proxy:
            found[model._meta.pk.prefix] = model
    return found

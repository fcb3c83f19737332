"""Update of many rows that others may be locking too: it locks them in id order first, as everybody does."""

from typing import Any

from django.db.models import QuerySet

from sequence.core.database.owned import OwnedModel
from sequence.core.sweeps import swept
from sequence.core.transactions import transactional


@transactional
def update_in_id_order(rows: "QuerySet[Any]", **values: Any) -> int:
    """Set the values on the rows and return how many they were; one that stopped matching meanwhile is left alone.

    A bare UPDATE locks in the order in which its plan meets the rows, which may be another one than that of whoever
    locks the same rows by id: the two would wait for each other.
    """
    locked = rows.order_by("pk").select_for_update(no_key=True).values("pk")
    found = rows.model._base_manager.filter(pk__in=locked)
    return (swept(found) if issubclass(rows.model, OwnedModel) else found).update(**values)

"""Resource of a call: what a request made, changed or was about."""

from collections.abc import Iterable
from uuid import UUID

from sequence.core.api.ids import noun_of, show_id


def resource_of(named: Iterable[object], data: object, *, makes: str = "") -> tuple[str, str] | None:
    """Return what it is one of and its id: the id that the answer's ``data`` gives, else the first that is ``named``.

    ``makes`` is the prefix of the former in a dialect whose ids have none.
    """
    told = data if isinstance(data, dict) else {}
    # An answer that gives only an id calls it after its kind: execution_id.
    given = [told.get("id"), *(told.values() if len(told) == 1 else ())]
    ids = [*(_own(id, makes) for id in given), *named]
    return next(((noun, str(id)) for id in ids if (noun := noun_of(id))), None)


def _own(id: object, makes: str) -> object:
    """Return the id as we write it."""
    if not makes or not isinstance(id, str):
        return id
    try:
        return show_id(makes, UUID(id))
    except ValueError:
        return id

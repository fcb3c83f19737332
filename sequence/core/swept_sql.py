"""SQL of sweeps: what limits a statement that is written by hand to the rows that sweeps may take."""

from sequence.core.api.ids import parse_id
from sequence.core.sweeps import swept_organization


def swept_sql(column: str = "organization_id") -> str:
    """Return what ``sequence.core.sweeps.swept`` says as the end of a condition; nothing where sweeps work for all.

    The id stands in the text: only who works for one organization has a text of its own.
    """
    organization_id = swept_organization()
    return "" if organization_id is None else f" AND {column} = '{parse_id('org', organization_id)}'"

"""Page 5,000 of a million transfers beside page 1: ``python -m benchmarks.pages``."""

from functools import partial
from urllib.parse import quote

from benchmarks.scene import Scene, ask, describe, milliseconds, say, scratch_scene

from django.db import connection  # isort: skip - after benchmarks.scene, which sets Django up
from django.test.utils import CaptureQueriesContext  # isort: skip

from sequence.core.api.pagination import DEFAULT_SIZE, _seal_cursor
from transfers.models import Transfer

TRANSFERS = 1_000_000
PAGE = 5_000
SAMPLES = 60
ROLES = ("either", "source", "destination")

# Every second transfer leaves the first pod, the others arrive there. The guards are off: a million rows at once are
# no payment, and nothing is settled here.
FILL = """
INSERT INTO transfers_transfer (id, organization_id, amount_cents, direction, origin, status, source_id, destination_id,
                                rail, created_at, completed_at, updated_at)
SELECT gen_random_uuid(), pod.organization_id, 100 + number, 'internal', 'user', 'complete',
       CASE WHEN number %% 2 = 0 THEN pod.id ELSE other.id END, CASE WHEN number %% 2 = 0 THEN other.id ELSE pod.id END,
       'book', at, at, at
FROM generate_series(1, %s) AS number
CROSS JOIN LATERAL (SELECT now() - make_interval(secs => number) AS at) AS times
CROSS JOIN (SELECT * FROM accounts_account WHERE name = 'Pod 0') AS pod
CROSS JOIN (SELECT * FROM accounts_account WHERE name = 'Pod 1') AS other
"""


def main() -> None:
    with scratch_scene(pods=2) as scene:
        _fill()
        for role in ROLES:
            _measure(scene, role)


def _fill() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(FILL, [TRANSFERS])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE transfers_transfer")
    say(f"{Transfer.objects.count():,} transfers of one account")


def _measure(scene: Scene, role: str) -> None:
    pod = scene.pods[0]
    first = f"/transfers?account_id={pod.id}&account_role={role}"
    deep = f"{first}&after={quote(_cursor_before(PAGE, role, pod.id))}"
    for name, path in (("page 1", first), (f"page {PAGE:,}", deep)):
        read = partial(ask, scene, "GET", path)
        with CaptureQueriesContext(connection) as statements:
            assert len(read()) == DEFAULT_SIZE  # noqa: S101 - a benchmark of nothing is none
        sql = statements[-1]["sql"]
        describe(f"{role}, {name}", [milliseconds(read) for _ in range(SAMPLES)])
        say(f"    its statement: {_cost(sql)}")


def _cost(sql: str) -> str:
    """Return what PostgreSQL says of the statement: its time, and the 8 KiB blocks that it looked at."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        [plan] = cursor.fetchone()[0]
    blocks = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return f"{plan['Execution Time']:.2f} ms, {blocks} blocks"


def _cursor_before(page: int, role: str, account_id: str) -> str:
    rows = Transfer.objects.order_by("-created_at", "-id")
    if role != "either":
        rows = rows.filter(**{f"{role}_id": account_id})
    return _seal_cursor(rows[(page - 1) * DEFAULT_SIZE - 1], "transfers")


if __name__ == "__main__":
    main()

"""Bytes of a book transfer, ordered by a client and settled by a worker, by table: ``python -m benchmarks.size``."""

import json

from benchmarks.scene import Scene, say, scratch_scene

from django.db import connection  # isort: skip - after benchmarks.scene, which sets Django up
from django.test import Client

from sequence.core.worker import run_once

PODS = 20
TRANSFERS = 2_000

SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def main() -> None:
    with scratch_scene(pods=PODS, cents_in_each=10_000_000) as scene:
        run_once()
        before = _sizes()
        _order(scene)
        run_once()
        after = _sizes()
    grown = {table: [a - b for a, b in zip(after[table], before[table], strict=True)] for table in after}
    for table, (rows, indexes) in sorted(grown.items(), key=lambda item: -sum(item[1])):
        if rows + indexes > TRANSFERS:  # What does not grow with each transfer is of no interest.
            say(f"{table}: {(rows + indexes) / TRANSFERS:,.0f} bytes a transfer, indexes {indexes / TRANSFERS:,.0f}")
    say(f"all: {sum(map(sum, grown.values())) / TRANSFERS:,.0f} bytes a transfer")


def _sizes() -> dict[str, tuple[int, int]]:
    """Return bytes of rows and of indexes, without what updates left behind and a vacuum lets be used again."""
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL ANALYZE")
        cursor.execute(SIZES)
        return {table: (rows, indexes) for table, rows, indexes in cursor.fetchall()}


def _order(scene: Scene) -> None:
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"ApiKey {scene.token}"})
    for number in range(TRANSFERS):
        source, destination = (scene.pods[(number + offset) % PODS] for offset in (0, 1))
        body = {"source_account_id": source.id, "destination_account_id": destination.id, "amount_in_cents": 1_00}
        response = client.post(
            "/api/v1/transfers",
            json.dumps(body),
            content_type="application/json",
            headers={"Idempotency-Key": f"order-{number}"},
        )
        if response.status_code != 201:
            raise RuntimeError(response.content)


if __name__ == "__main__":
    main()

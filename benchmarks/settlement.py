"""How many book transfers a worker settles in a second, beside its own floor: ``python -m benchmarks.settlement``.

The floor is what PostgreSQL must do for it, called from pgbench: the same rows under the same guards, a hundred in one
statement, without a look at who may be stopped, at rails, or at what else is due. Both take turns.
"""

import random
import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.scene import Scene, milliseconds, say, scratch_scene

from django.db import connection  # isort: skip - after benchmarks.scene, which sets Django up
from django.utils import timezone

from sequence.core.worker import run_once
from sequence.local.postgres.binaries import bin_folder
from tests.transfers.chaos.site import database_url
from transfers.models import Direction, Origin, Status, Transfer
from transfers.rails.ledger import BookRail
from transfers.settlement import BATCH_SIZE, accept

ROUNDS = 5
TRANSFERS = 3_000
PODS = 100
SEED = 1

_FLOOR = """
WITH claimed AS MATERIALIZED (
    SELECT id, organization_id, source_id, destination_id, amount_cents, created_at FROM transfers_transfer
    WHERE status = 'processing' AND COALESCE(not_before, '-infinity'::timestamptz) <= now()
    ORDER BY COALESCE(not_before, '-infinity'::timestamptz), created_at, id
    LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
), locked AS MATERIALIZED (
    SELECT id, balance_cents - held_cents AS available FROM accounts_account
    WHERE id = ANY (ARRAY(SELECT source_id FROM claimed UNION SELECT destination_id FROM claimed))
    ORDER BY id FOR NO KEY UPDATE
), funded AS MATERIALIZED (
    SELECT * FROM (
        SELECT claimed.*, locked.available,
            SUM(amount_cents) OVER (PARTITION BY source_id ORDER BY created_at, claimed.id) AS asked
        FROM claimed JOIN locked ON locked.id = source_id
    ) payment WHERE asked <= available
), posted AS (
    INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at)
    SELECT organization_id, 'settlement', id, now() FROM funded RETURNING id, transfer_id
), moved AS (
    INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, amount_cents, posted_at)
    SELECT organization_id, posted.id, leg.account_id, leg.cents, now()
    FROM posted JOIN funded ON funded.id = posted.transfer_id,
        LATERAL (VALUES (source_id, -amount_cents), (destination_id, amount_cents)) leg (account_id, cents)
)
UPDATE transfers_transfer transfer
SET status = 'complete', accepted_at = now(), completed_at = now(), updated_at = now()
FROM funded WHERE transfer.id = funded.id;
"""


def main() -> None:
    with scratch_scene(pods=PODS, cents_in_each=10_000_000) as scene:
        for name, hot in (("spread over 100 pods", False), ("all from one hot pod", True)):
            compare_settlement(scene, name, hot=hot)


def compare_settlement(scene: Scene, name: str = "spread", *, hot: bool = False) -> None:
    """Print what a worker, its settlement alone, and the floor settle in a second, measured in turns."""
    works: dict[str, Callable[[], float]] = {
        "whole worker": partial(_rate, run_once),
        "settlement alone": partial(_rate, _accept),
        "floor": _floor,
    }
    rates: dict[str, list[float]] = {work: [] for work in works}
    for number in range(ROUNDS):
        for work in works if number % 2 == 0 else reversed(works):
            run_once()  # What the others have left: settlement alone and the floor number no events.
            order(scene, hot=hot)
            rates[work].append(works[work]())
            assert not Transfer.objects.exclude(status=Status.COMPLETE).exists()  # noqa: S101 - or it measured failures
    medians = {work: statistics.median(values) for work, values in rates.items()}
    for work, rate in medians.items():
        say(f"settlement, {name}, {work}: {rate:,.0f} transfers/s, {rate / medians['floor']:.2f} of the floor")


def order(scene: Scene, *, hot: bool) -> None:
    """Make the transfers that are then settled."""
    chance = random.Random(SEED)  # noqa: S311 - the same load every time
    now = timezone.now()
    rows = []
    for _ in range(TRANSFERS):
        source, destination = chance.sample(scene.pods, 2)
        if hot:
            source, destination = scene.pods[0], chance.choice(scene.pods[1:])
        rows.append(
            Transfer(
                organization=scene.organization,
                amount_cents=100,
                direction=Direction.INTERNAL,
                origin=Origin.USER,
                status=Status.PROCESSING,
                source=source,
                destination=destination,
                rail=BookRail.name,
                created_at=now,
            )
        )
    Transfer.objects.bulk_create(rows, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE transfers_transfer")


def _rate(work: Callable[[], object]) -> float:
    return TRANSFERS / milliseconds(work) * 1000


def _accept() -> None:
    while accept(timezone.now()):
        pass


def _floor() -> float:
    """Return the rate that pgbench tells, its connection left out."""
    pgbench = shutil.which("pgbench", path=str(bin_folder())) or shutil.which("pgbench")
    if pgbench is None:
        raise RuntimeError("There is no pgbench here.")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "floor.sql"
        script.write_text(_FLOOR.replace("LIMIT 100", f"LIMIT {BATCH_SIZE}"))
        times = str(TRANSFERS // BATCH_SIZE)
        command = [pgbench, "-n", "-M", "prepared", "-c", "1", "-t", times, "-f", str(script), database_url()]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - no shell
    [tps] = re.findall(r"^tps = ([\d.]+)", told, re.MULTILINE)
    return float(tps) * BATCH_SIZE


if __name__ == "__main__":
    main()

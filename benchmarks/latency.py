"""From the commit of a book transfer to its settlement by an idle worker: ``python -m benchmarks.latency``."""

import tempfile
import time
from pathlib import Path

from benchmarks.scene import Scene, ask, describe, say, scratch_scene

from django.db import connection  # isort: skip - after benchmarks.scene, which sets Django up

from tests.transfers.chaos.site import Site, database_url
from transfers.models import Status, Transfer

SAMPLES = 100
# Lets the worker fall asleep between two transfers.
PAUSE_SECONDS = 0.2
GIVE_UP_SECONDS = 10


def main() -> None:
    with scratch_scene(pods=2, cents_in_each=10_000_000) as scene:
        connection.ensure_connection()
        with Site(database_url(), Path(tempfile.mkdtemp()) / "worker.log") as site:
            site.start_worker()
            site.wait_for_workers()
            describe("commit to settled", [_once(scene) for _ in range(SAMPLES)])
    say("(includes up to 1 ms of looking)")


def _once(scene: Scene) -> float:
    time.sleep(PAUSE_SECONDS)
    body = {
        "source_account_id": scene.pods[0].id,
        "destination_account_id": scene.pods[1].id,
        "amount_in_cents": 100,
    }
    id = ask(scene, "POST", "/transfers", body)["id"]
    start = time.perf_counter()
    while not Transfer.objects.filter(id=id, status=Status.COMPLETE).exists():
        if time.perf_counter() - start > GIVE_UP_SECONDS:
            raise TimeoutError(f"{id} was not settled in {GIVE_UP_SECONDS} seconds.")
        time.sleep(0.001)
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()

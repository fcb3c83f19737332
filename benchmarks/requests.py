"""POST /transfers through granian, with a worker settling beside it: ``python -m benchmarks.requests``."""

import http.client
import json
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from benchmarks.scene import Scene, describe, say, scratch_scene

from django.db import connection  # isort: skip - after benchmarks.scene, which sets Django up

from tests.transfers.chaos.site import Site, database_url, wait_until
from transfers.models import Transfer

SECONDS = 10
CLIENTS = 4
WEB_PROCESSES = 2
WARM_UP_REQUESTS = 20


def main() -> None:
    with scratch_scene(pods=20, cents_in_each=1_000_000_00) as scene:
        connection.ensure_connection()
        with Site(database_url(), Path(tempfile.mkdtemp()) / "site.log", LOG_LEVEL="WARNING") as site:
            for _ in range(WEB_PROCESSES):
                site.start_web()
            for port in site.ports:
                wait_until(partial(answers, port), "the web server answers")
            _measure(scene, site, "no worker")
            site.start_worker()
            wait_until(lambda: not Transfer.objects.under_way().exists(), "the worker catches up")
            _measure(scene, site, "a worker settles meanwhile")


def _measure(scene: Scene, site: Site, name: str) -> None:
    samples: list[float] = []
    start = time.perf_counter()

    def client(number: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", site.ports[number % len(site.ports)])
        count = 0
        while time.perf_counter() - start < SECONDS:
            began = time.perf_counter()
            _post(line, scene, number, count, f"{name}-{number}-{count}".replace(" ", "-"))
            count += 1
            if count > WARM_UP_REQUESTS:
                samples.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=client, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    per_second = len(samples) / (time.perf_counter() - start)
    say(f"POST /transfers, {name}: {per_second:,.0f} requests/s from {CLIENTS} clients")
    describe(f"POST /transfers, {name}", samples)


def _post(line: http.client.HTTPConnection, scene: Scene, client: int, count: int, idempotency_key: str) -> None:
    pods = scene.pods
    body = {
        "source_account_id": pods[(client + count) % len(pods)].id,
        "destination_account_id": pods[(client + count + 1) % len(pods)].id,
        "amount_in_cents": 100,
    }
    headers = {
        "Authorization": f"ApiKey {scene.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key,
    }
    line.request("POST", "/api/v1/transfers", json.dumps(body), headers)
    response = line.getresponse()
    text = response.read()
    if response.status != 201:
        raise RuntimeError(f"{response.status} {text!r}")


def answers(port: int) -> bool:
    """Say whether the server at this port answers."""
    line = http.client.HTTPConnection("127.0.0.1", port)
    try:
        line.request("GET", "/api/v1/accounts")
        return line.getresponse().status == 401
    except OSError:
        return False


if __name__ == "__main__":
    main()

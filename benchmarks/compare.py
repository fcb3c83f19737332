"""The product beside its peers and its own floor, in one run: ``python -m benchmarks.compare``.

All variants of a row are served side by side and take turns, so that what else the machine does meets each of them; a
ratio is that of the medians. ``fsync`` is as the server has it, and said in the first line. With ``BEFORE``, the folder
of an earlier checkout, the rules of both take turns too.
"""

import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.scene import Scene, say, scratch_scene

import psycopg  # isort: skip - after benchmarks.scene, which sets Django up
from django.db import connection  # isort: skip

from apikeys.models import ApiKey, PermissionEntry
from benchmarks.requests import answers
from benchmarks.settlement import compare_settlement
from sequence.core.api.ids import parse_id
from sequence.core.worker import run_once
from sequence.local.launch import web
from sequence.local.launch.address import Address
from sequence.platform.ids import plain_id
from sequence.platform.operations import PREFIX as DIALECT
from tests.transfers.chaos.site import Site, database_url, free_port, wait_until

ROUNDS = 5
SECONDS = 3.0
CLIENTS = 8
# Of each server: what both commands start on two cores.
PROCESSES = 2
TRANSFERS = 300
# Of the rules' row, each of which makes a database.
ROUTING_TURNS = 2

# The same rows, constraints and triggers as POST /transfers with an Idempotency-Key, in one call and one commit.
_FLOOR = """
WITH record AS (
    INSERT INTO apikeys_idempotencyrecord (organization_id, api_key_id, lineage_id, key, request_id, method, path,
        request_body, response_status, response_body, created_at, expires_at)
    VALUES (%(organization)s, %(key)s, %(key)s, %(id)s::text, %(id)s::text, 'POST', '/api/v1/transfers',
        repeat('x', 150), 201, repeat('x', 600), now(), now() + interval '1 day')
), transfer AS (
    INSERT INTO transfers_transfer (id, organization_id, amount_cents, direction, origin, status, source_id,
        destination_id, rail, api_key_id, spend_id, created_at, updated_at)
    VALUES (%(id)s, %(organization)s, 100, 'internal', 'user', 'processing', %(source)s, %(destination)s, 'book',
        %(key)s, %(spend)s, now(), now())
)
INSERT INTO apikeys_spendcounter AS counter (organization_id, spend_id, period, starts_on, spent_cents, uses)
SELECT %(organization)s, %(spend)s, period, date_trunc(period, now())::date, 100, 1
FROM unnest(ARRAY['day', 'month', 'week']) AS period
ON CONFLICT (spend_id, period, starts_on, organization_id) DO UPDATE
SET spent_cents = counter.spent_cents + excluded.spent_cents, uses = counter.uses + 1
"""

Work = Callable[[], Callable[[], None]]


def main() -> None:
    with scratch_scene(pods=20, cents_in_each=1_000_000_00) as scene:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('fsync'), current_setting('commit_delay'), version()")
            say("fsync {}, commit_delay {}, {}".format(*cursor.fetchone()))
        _fill_history(scene)
        with Site(database_url(), Path(tempfile.mkdtemp()) / "site.log", LOG_LEVEL="WARNING") as site:
            product, peers = _start_product(site), _start_peers(site)
            wait_until(partial(answers, product), "the product answers")
            wait_until(partial(_is_up, peers), "the peers answer")
            _compare_reads(scene, product, peers)
            _compare_writes(scene, product)
        compare_settlement(scene)
    if before := os.environ.get("BEFORE"):
        _compare_rules(Path(before))


def _compare_reads(scene: Scene, product: int, peers: int) -> None:
    account = scene.pods[0].id
    _compare(
        "GET account",
        {
            "product": partial(_getter, product, f"/api/v1/accounts/{account}", scene.token),
            "bare view, one statement": partial(_getter, peers, f"/bare/{account}", scene.token),
            "the vendor's dialect": partial(
                _getter, product, f"{DIALECT}/accounts/{plain_id(account)}", scene.token, scheme="Bearer"
            ),
        },
    )
    path = f"/api/v1/transfers?account_id={account}&account_role=source&first=100"
    _compare(
        "list of 100 transfers",
        {
            "product": partial(_getter, product, path, scene.token),
            "stock DRF, flat rows": partial(_getter, peers, f"/stock/{account}", scene.token),
        },
    )


def _compare_writes(scene: Scene, product: int) -> None:
    _compare(
        "POST transfer, idempotent",
        {"product": partial(_poster, product, scene), "floor: one statement": partial(_floor, scene)},
    )


def _compare_rules(before: Path) -> None:
    """Measure deposits that rules route on, in this checkout and in an earlier one, in turns."""
    here = Path(__file__).parents[1]
    rates: dict[Path, list[float]] = {here: [], before.resolve(): []}
    for number in range(ROUTING_TURNS):
        for checkout in list(rates) if number % 2 == 0 else reversed(rates):
            rates[checkout] += _routed_by(checkout)
    product, earlier = (statistics.median(values) for values in rates.values())
    say(f"deposit, run, settled: product {product:,.0f} a second, the checkout before {earlier:,.0f}")
    say(f"deposit, run, settled: {product / earlier:.2f} of the checkout before")


def _routed_by(checkout: Path) -> list[float]:
    """Run this checkout's benchmark on the other one's code, in a process of its own."""
    command = [sys.executable, "-P", str(Path(__file__).parent / "routing.py")]
    # One cluster for both, which each would else have of its own.
    cluster = {"POSTGRES_DIR": str(connection.settings_dict.get("CLUSTER_DIR") or "")}
    environment = {**os.environ, **cluster, "PYTHONPATH": str(checkout)}
    done = subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - our own file
    return [float(line) for line in done.stdout.split()]


def _compare(row: str, variants: dict[str, Work]) -> None:
    """Measure the variants in turns and print their rates, and the first one's ratio to each other."""
    rates: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(ROUNDS):
        for name in names if number % 2 == 0 else reversed(names):
            rates[name].append(_rate(variants[name]))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name in names:
        say(f"{row}, {name}: {medians[name]:,.0f} a second from {CLIENTS} clients")
    for name in names[1:]:
        say(f"{row}: {medians[names[0]] / medians[name]:.2f} of {name}")


def _rate(work: Work) -> float:
    counts: list[int] = []
    start = time.perf_counter()

    def client() -> None:
        once, count = work(), 0
        while time.perf_counter() - start < SECONDS:
            once()
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) < CLIENTS:
        raise RuntimeError("A client broke; see its traceback above.")
    return sum(counts) / (time.perf_counter() - start)


def _getter(port: int, path: str, token: str, scheme: str = "ApiKey") -> Callable[[], None]:
    line = http.client.HTTPConnection("127.0.0.1", port)

    def once() -> None:
        line.request("GET", path, headers={"Authorization": f"{scheme} {token}"})
        _expect(line.getresponse(), 200)

    return once


def _poster(port: int, scene: Scene) -> Callable[[], None]:
    line = http.client.HTTPConnection("127.0.0.1", port)
    pairs = itertools.cycle(zip(scene.pods, scene.pods[1:], strict=False))

    def once() -> None:
        source, destination = next(pairs)
        body = {"source_account_id": source.id, "destination_account_id": destination.id, "amount_in_cents": 100}
        headers = {
            "Authorization": f"ApiKey {scene.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        line.request("POST", "/api/v1/transfers", json.dumps(body), headers)
        _expect(line.getresponse(), 201)

    return once


def _floor(scene: Scene) -> Callable[[], None]:
    line = psycopg.connect(database_url(), autocommit=True, prepare_threshold=0)
    key = ApiKey.objects.get()
    values = {
        "organization": parse_id("org", scene.organization.id),
        "key": parse_id("key", key.id),
        "spend": PermissionEntry.objects.get(scope="MANUAL_TRANSFER").spend_id,
    }
    connection.close()
    pairs = itertools.cycle(zip(scene.pods, scene.pods[1:], strict=False))

    def once() -> None:
        source, destination = (parse_id("acc", pod.id) for pod in next(pairs))
        line.execute(_FLOOR, {**values, "id": uuid.uuid4(), "source": source, "destination": destination})

    return once


def _expect(response: http.client.HTTPResponse, status: int) -> None:
    text = response.read()
    if response.status != status:
        raise RuntimeError(f"{response.status} {text!r}")


def _fill_history(scene: Scene) -> None:
    once = _floor(scene)
    for _ in range(TRANSFERS * (len(scene.pods) - 1)):
        once()
    run_once()


def _start_product(site: Site) -> int:
    port = free_port()
    site.start(web.command(Address("127.0.0.1", port), workers=PROCESSES))
    return port


def _start_peers(site: Site) -> int:
    port = free_port()
    options = ["--interface", "wsgi", "--port", str(port), "--blocking-threads", "1", "--log-level", "warning"]
    options += ["--workers", str(PROCESSES)]
    site.start([sys.executable, "-m", "granian", *options, "benchmarks.peers:application"])
    return port


def _is_up(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port)
    try:
        line.request("GET", "/nowhere")
        return line.getresponse().status == 404
    except OSError:
        return False


if __name__ == "__main__":
    main()

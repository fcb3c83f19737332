"""GET of an account through sequence.entry, and through granian's own WSGI: ``python -m benchmarks.entry``.

The two take turns, so that what else the machine does meets both.
"""

import http.client
import statistics
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from benchmarks.scene import Scene, describe, say, scratch_scene

from django.db import connection  # isort: skip - after benchmarks.scene, which sets Django up

from benchmarks.requests import answers
from tests.transfers.chaos.site import Site, database_url, free_port, wait_until

ROUNDS = 8
SECONDS = 3
CLIENTS = 4


def main() -> None:
    with scratch_scene(pods=1) as scene:
        connection.ensure_connection()
        with Site(database_url(), Path(tempfile.mkdtemp()) / "site.log", LOG_LEVEL="WARNING") as site:
            site.start_web()
            ports = {"sequence.entry": site.ports[0], "granian's WSGI": _start_plain_wsgi(site)}
            for port in ports.values():
                wait_until(partial(answers, port), "the web server answers")
            rates: dict[str, list[float]] = {name: [] for name in ports}
            samples: dict[str, list[float]] = {name: [] for name in ports}
            for _ in range(ROUNDS):
                for name, port in ports.items():
                    rates[name].append(_measure(scene, port, samples[name]))
    for name in ports:
        say(f"GET account, {name}: {statistics.median(rates[name]):,.0f} requests/s from {CLIENTS} clients")
        describe(f"GET account, {name}", samples[name])
    ours, plain = (statistics.median(rates[name]) for name in ports)
    say(f"GET account: {ours / plain:.2f} of plain WSGI")


def _start_plain_wsgi(site: Site) -> int:
    port = free_port()
    options = ["--interface", "wsgi", "--port", str(port), "--blocking-threads", "1", "--log-level", "warning"]
    site.start([sys.executable, "-m", "granian", *options, "sequence.wsgi:application"])
    return port


def _measure(scene: Scene, port: int, samples: list[float]) -> float:
    """Return the requests a second of some clients that ask one after another."""
    start = time.perf_counter()
    counts: list[int] = []

    def client() -> None:
        line = http.client.HTTPConnection("127.0.0.1", port)
        count = 0
        while time.perf_counter() - start < SECONDS:
            began = time.perf_counter()
            _get(line, scene)
            samples.append((time.perf_counter() - began) * 1000)
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def _get(line: http.client.HTTPConnection, scene: Scene) -> None:
    headers = {"Authorization": f"ApiKey {scene.token}"}
    line.request("GET", f"/api/v1/accounts/{scene.pods[0].id}", headers=headers)
    response = line.getresponse()
    text = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status} {text!r}")


if __name__ == "__main__":
    main()

"""A database that exists for one benchmark, an organization in it, and the arithmetic of timings."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequence.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")
os.environ["RATE_LIMIT_ENABLED"] = "false"
django.setup()

from django.db import connection  # noqa: E402 - after django.setup
from django.test import Client  # noqa: E402

from accounts.models import Account  # noqa: E402
from accounts.services import create_pod  # noqa: E402
from apikeys.entries import parse_permissions  # noqa: E402
from apikeys.models import Organization  # noqa: E402
from apikeys.services import create_api_key, create_organization  # noqa: E402
from sequence.core.audit_log.reads import reads  # noqa: E402
from transfers.models import Origin  # noqa: E402
from transfers.services import deposit  # noqa: E402

DATABASE = "sequence_benchmark"


@dataclass(frozen=True)
class Scene:
    """An organization, some pods, and a key that may move money between them."""

    organization: Organization
    pods: list[Account]
    token: str


@contextmanager
def scratch_scene(*, pods: int, cents_in_each: int = 0) -> Iterator[Scene]:
    """Make the database, migrate it, put a scene into it, and remove all of it in the end."""
    # Only the owner may make databases.
    connection.settings_dict.update(connection.settings_dict.get("OWNER") or {})
    before = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield _set(pods, cents_in_each)
    finally:
        reads.end()  # The thread that writes the audit log's reads has a connection of its own.
        connection.creation.destroy_test_db(before, verbosity=0)


def _set(count: int, cents: int) -> Scene:
    organization = create_organization(name="Benchmark")
    pods = [
        create_pod(organization_id=organization.id, beneficiary_name="Benchmark", nickname=f"Pod {number}")
        for number in range(count)
    ]
    for pod in pods:
        if cents:
            deposit(account_id=pod.id, amount_cents=cents, origin=Origin.PAYCHECK, by="benchmark")
    _, token = create_api_key(
        organization=organization,
        name="Benchmark",
        permissions=parse_permissions(["MANUAL_TRANSFER:*>*", "READ_TRANSFERS:*", "READ_ACCOUNTS:*"]),
        created_by="benchmark",
    )
    return Scene(organization, pods, token)


def ask(scene: Scene, method: str, path: str, body: dict[str, object] | None = None) -> Any:
    """Return the ``data`` of the API's answer, without a web server in between."""
    response = _client().generic(
        method,
        f"/api/v1{path}",
        data=json.dumps(body or {}),
        content_type="application/json",
        headers={"Authorization": f"ApiKey {scene.token}"},
    )
    return json.loads(response.content)["data"]


@cache
def _client() -> Client:
    """Return the one client: each new one would load all middleware again."""
    return Client(SERVER_NAME="localhost")


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long ``work()`` took."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def describe(name: str, samples: list[float]) -> None:
    """Print the median and the 95th percentile of some milliseconds."""
    ordered = sorted(samples)
    p95 = ordered[int(len(ordered) * 0.95)]
    say(f"{name}: median {statistics.median(ordered):.2f} ms, p95 {p95:.2f} ms ({len(ordered)} samples)")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

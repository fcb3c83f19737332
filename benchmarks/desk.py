"""The approvals desk with a page full, beside ten thousand transfers and a million: ``python -m benchmarks.desk``."""

from collections.abc import Callable
from functools import partial

from benchmarks.scene import Scene, ask, describe, milliseconds, scratch_scene

from django.contrib.auth.models import User  # isort: skip - after benchmarks.scene, which sets Django up
from django.db import connection  # isort: skip
from django.test import Client  # isort: skip
from django.test.utils import CaptureQueriesContext  # isort: skip

from apikeys.entries import parse_permissions
from apikeys.models import ApiKey
from apikeys.services import set_permissions
from benchmarks.pages import FILL
from transfers.models import Transfer

SIZES = (10_000, 1_000_000)
WAITING = 100
SAMPLES = 20


def main() -> None:
    with scratch_scene(pods=2, cents_in_each=1_000_000_00) as scene:
        _ask_a_person(scene)
        for size in SIZES:
            _fill(size)
            _measure()


def _ask_a_person(scene: Scene) -> None:
    """Fill a page, under caps, with payments to an account that the history is full of."""
    permissions = parse_permissions(["MANUAL_TRANSFER:*>*;day=100000000;count_month=1000;approval=0"])
    set_permissions(key_id=ApiKey.objects.get().id, permissions=permissions, changed_by="benchmark")
    source, destination = scene.pods
    ends = {"source_account_id": source.id, "destination_account_id": destination.id}
    for number in range(WAITING):
        ask(scene, "POST", "/transfers", {**ends, "amount_in_cents": 100 + number})


def _fill(size: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(FILL, [size - Transfer.objects.count()])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE transfers_transfer")


def _measure() -> None:
    user, _ = User.objects.get_or_create(username="benchmark", is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)

    def read() -> None:
        text = client.get("/admin/transfers/transfer/desk/").content.decode()
        assert text.count('<li class="row"') == WAITING  # noqa: S101 - a benchmark of nothing is none

    read()
    with CaptureQueriesContext(connection) as statements:
        read()
    name = f"the desk, {WAITING} rows, {Transfer.objects.count():,} transfers, {len(statements)} statements"
    describe(name, [milliseconds(read) for _ in range(SAMPLES)])
    waited: list[float] = []
    with connection.execute_wrapper(partial(_timed, waited)):
        for _ in range(SAMPLES):
            waited.append(0)
            read()
    describe("    of which it waits for PostgreSQL", waited)


def _timed(waited: list[float], execute: Callable[..., object], *query: object) -> object:
    """Do a statement, and add how long it took, in milliseconds, to the last number."""
    result = None

    def run() -> None:
        nonlocal result
        result = execute(*query)

    waited[-1] += milliseconds(run)
    return result


if __name__ == "__main__":
    main()

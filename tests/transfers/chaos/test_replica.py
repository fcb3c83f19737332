"""A reader that can bear to be late is served from a standby, everybody else from the server that writes."""

import http.client
import itertools
import json
import time
from typing import Any

import pytest

from tests.postgres.conftest import connect, kill_all
from tests.transfers.chaos.site import Persistent, Site, wait_until
from tests.transfers.chaos.world import SET_UP

# From where an export reads, and how many transfers it finds.
EXPORT = """
import django, json
django.setup()
from sequence.core.admin.exports import in_chunks
from sequence.core.database.replica import up_to_date
from transfers.models import Transfer
found = [row for chunk in in_chunks(Transfer.objects.values_list("id")) for row in chunk]
print(json.dumps({"from": up_to_date(), "rows": len(found)}))
"""


class Reader:
    """A client that orders transfers, and lists them."""

    def __init__(self, port: int, facts: dict[str, Any]) -> None:
        self.port, self.facts = port, facts
        self.keys = itertools.count()
        self.writer = Persistent([port], facts["token"])

    def order(self) -> str:
        source, destination = self.facts["pods"]
        body = {"source_account_id": source, "destination_account_id": destination, "amount_in_cents": 1_00}
        _, answer = self.writer.post("/transfers", body, idempotency_key=f"order-{next(self.keys)}")
        id: str = answer["data"]["id"]
        return id

    def list(self, cache_control: str = "") -> tuple[set[str], str | None]:
        """Return the ids of the transfers, and the age that the answer tells."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {**self.writer.headers, **({"Cache-Control": cache_control} if cache_control else {})}
        line.request("GET", f"/api/v1/transfers?account_id={self.facts['pods'][0]}&first=100", headers=headers)
        response = line.getresponse()
        answer = json.loads(response.read())
        assert response.status == 200, answer
        return {row["id"] for row in answer["data"]}, response.getheader("Age")


@pytest.mark.full
class TestReplica:
    @pytest.fixture
    def site(self, world, standby, tmp_path):
        facts = world.run(SET_UP)
        with Site(world.url, tmp_path / "site.log", REPLICA_URL=standby.own_url) as site:
            site.start_web()
            site.reader = Reader(site.ports[0], facts)
            site.reader.order()
            wait_until(lambda: site.reader.list("max-stale=60")[1] == "0", "the replica has it all")
            yield site

    @pytest.fixture
    def reader(self, site) -> Reader:
        return site.reader

    def test_serves_those_who_can_bear_it_and_nobody_else(self, world, standby, reader):
        with connect(standby.cluster) as server:
            server.execute("SELECT pg_wal_replay_pause()")
            new = reader.order()

            assert (new in reader.list()[0], reader.list()[1]) == (True, None)
            late, age = reader.list("no-transform, max-stale=3600")
            assert new not in late
            assert int(age or "") >= 0
            # It is later than they can bear, or they do not say how late it may be.
            time.sleep(1.1)
            for asked in ("max-stale=1", "max-stale=0", "max-stale", "no-cache"):
                assert (new in reader.list(asked)[0], reader.list(asked)[1]) == (True, None), asked
            export = {"from": "default", "rows": 3}
            assert world.run(EXPORT, REPLICA_URL=standby.own_url) == export

            server.execute("SELECT pg_wal_replay_resume()")
        wait_until(lambda: new in reader.list("max-stale=3600")[0], "the replica follows again")
        wait_until(lambda: reader.list("max-stale=0")[1] == "0", "the replica has it all")
        assert world.run(EXPORT, REPLICA_URL=standby.own_url) == {**export, "from": "replica"}

    def test_that_was_promoted_is_not_read(self, world, standby, reader):
        standby.promote()
        new = reader.order()

        assert (new in reader.list("max-stale=3600")[0], reader.list("max-stale=3600")[1]) == (True, None)
        assert world.run(EXPORT, REPLICA_URL=standby.own_url) == {"from": "default", "rows": 3}

    def test_that_is_away_keeps_nobody_waiting_for_long(self, world, standby, reader, site):
        kill_all(standby.cluster.data)
        new = reader.order()
        begin = time.monotonic()

        for _ in range(20):
            assert (new in reader.list("max-stale=3600")[0], reader.list("max-stale=3600")[1]) == (True, None)
        assert time.monotonic() - begin < 10
        assert site.log.read_text().count("replica_unreachable") == 1
        assert world.run(EXPORT, REPLICA_URL=standby.own_url) == {"from": "default", "rows": 3}

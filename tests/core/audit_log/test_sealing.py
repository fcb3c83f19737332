"""Sealing: numbers without gaps in each organization, chained, in the order in which entries were written."""

import hashlib
from datetime import timedelta

import pytest
import rfc8785
from django.db import DatabaseError, IntegrityError, InternalError, connection, transaction

from sequence.core import clock
from sequence.core.audit_log import sealing
from sequence.core.audit_log.models import NO_HASH, AuditChain, AuditEntry, Via
from sequence.core.audit_log.recording import Entry, record, record_all
from sequence.core.audit_log.sealing import seal_entries
from sequence.core.due import forget_questions, with_due_rows
from tests.core.audit_log.logs import chain_of, seal, write
from tests.roles import by_owner
from tests.threads import Crew

REFUSED = (IntegrityError, InternalError)


def execute(statement: str, *values) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


class TestSealing:
    def test_numbers_each_organization_from_one(self, acme, globex):
        write(acme, 2), write(globex), write(None), write(acme)

        assert seal() == 5
        assert [entry["sequence"] for entry in chain_of(acme)] == [1, 2, 3]
        assert [entry["sequence"] for entry in chain_of(globex)] == [1]
        assert [entry["organization_id"] for entry in chain_of(None)] == [None]

    def test_chains_what_anybody_can_recompute(self, acme, monkeypatch):
        monkeypatch.setattr(sealing, "BATCH_SIZE", 2)
        write(acme, 5)

        seal()

        previous = NO_HASH
        for entry in chain_of(acme):
            assert entry.pop("previous_hash") == previous.hex()
            given = entry.pop("hash")
            previous = hashlib.sha256(previous + rfc8785.dumps(entry)).digest()
            assert given == previous.hex()
        head = AuditChain.objects.get(organization=acme)
        assert (head.sequence, bytes(head.hash)) == (5, previous)

    def test_follows_the_order_of_writing_and_not_of_the_clock(self, acme, set_clock):
        now = clock.now()
        [late] = write(acme, created_at=now)
        [early] = write(acme, created_at=now - timedelta(days=365))

        seal()

        assert [entry["id"] for entry in chain_of(acme)] == [late.id, early.id]

    def test_goes_on_where_it_was(self, acme):
        write(acme)
        seal()
        write(acme)

        assert seal() == 1
        assert [entry["sequence"] for entry in chain_of(acme)] == [1, 2]

    def test_leaves_a_chain_alone_that_somebody_else_seals(self, transactional_db, acme):
        write(acme)
        seal()
        write(acme)

        with transaction.atomic():
            AuditChain.objects.select_for_update().get(organization=acme)
            with Crew(1) as crew:
                [done] = crew.at_once(lambda: seal_entries(clock.now()))

        assert done == 0
        assert seal() == 1

    def test_is_asked_for_only_while_something_waits(self, acme):
        forget_questions()
        assert with_due_rows([seal_entries], clock.now()) == []

        write(acme)
        assert with_due_rows([seal_entries], clock.now()) == [seal_entries]

        seal()
        assert with_due_rows([seal_entries], clock.now()) == []


class TestRaces:
    def test_no_number_appears_below_one_that_was_seen(self, transactional_db, acme, by_length):
        """Writers commit late, sealers race; a reader that goes on from its last number misses none."""
        writers, each = by_length(short=(4, 10), full=(8, 60), long=(8, 400))
        seen: list[int] = []
        total = writers * each

        def write_slowly():
            for _ in range(each):
                with transaction.atomic():
                    write_one(acme)
                    execute("SELECT pg_sleep(random() * 0.002)")

        def write_one(organization):
            write(organization)

        def seal_on():
            while AuditEntry.objects.filter(sequence__isnull=False).count() < total:
                seal_entries(clock.now())

        def read_on():
            while len(seen) < total:
                after = seen[-1] if seen else 0
                fresh = AuditEntry.objects.filter(organization=acme, sequence__gt=after).order_by("sequence")
                seen.extend(fresh.values_list("sequence", flat=True))

        with Crew(writers + 3) as crew:
            assert crew.at_once(*([write_slowly] * writers), seal_on, seal_on, read_on) == [None] * (writers + 3)

        assert seen == list(range(1, total + 1))


class TestGuards:
    """What PostgreSQL refuses, whoever asks: the application's role here, and the owner of the tables."""

    @pytest.fixture(params=["application", "owner"])
    def as_whom(self, request, acme):
        write(acme, 2)
        seal()
        write(acme)
        if request.param == "application":
            yield
            return
        with by_owner():
            yield

    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM sequence_auditentry",
            "DELETE FROM sequence_auditentry WHERE sequence IS NULL",
            "TRUNCATE sequence_auditentry",
            "UPDATE sequence_auditentry SET actor = 'key:other'",
            "UPDATE sequence_auditentry SET actor = 'key:other' WHERE sequence IS NULL",
            "UPDATE sequence_auditentry SET sequence = sequence + 10 WHERE sequence IS NOT NULL",
            "UPDATE sequence_auditentry SET sequence = NULL, previous_hash = NULL, hash = NULL"
            " WHERE sequence IS NOT NULL",
            "UPDATE sequence_auditentry SET hash = previous_hash WHERE sequence IS NOT NULL",
            "UPDATE sequence_auditentry SET sequence = 3 WHERE sequence IS NULL",
            "UPDATE sequence_auditentry SET sequence = 3, hash = '', previous_hash = '', reason = 'x'"
            " WHERE sequence IS NULL",
            "INSERT INTO sequence_auditentry SELECT (jsonb_populate_record(one, jsonb_build_object("
            "'id', gen_random_uuid(), 'sequence', 9))).* FROM sequence_auditentry AS one LIMIT 1",
        ],
    )
    def test_refuse(self, as_whom, acme, change):
        with pytest.raises(DatabaseError, match=r"audit|Cannot|permission|violates"):
            execute(change)

        assert AuditEntry.objects.filter(organization=acme).count() == 3
        assert AuditEntry.objects.filter(organization=acme, sequence=None).count() == 1

    def test_let_an_entry_be_sealed_once(self, acme):
        write(acme)

        change = "UPDATE sequence_auditentry SET sequence = 1, previous_hash = 'a', hash = 'b' WHERE sequence IS NULL"
        assert execute(change) == 1
        with pytest.raises(REFUSED, match="but for sealing it"):
            execute(change.replace("IS NULL", "= 1"))


class TestRecording:
    def test_of_many_writes_what_that_of_one_does(self, acme):
        entry = Entry(organization_id=acme.id, actor="key:a", via=Via.API, action="GET_KEY", request_id="r")
        record(entry)
        record_all([entry, entry])

        facts = AuditEntry.objects.values_list("organization", "actor", "via", "action", "outcome", "created_at")
        assert len(facts) == 3
        assert len(set(facts)) == 1

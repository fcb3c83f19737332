"""Reads on their way into the log: in batches, within a second, none lost while the process lives."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, OperationalError

from sequence.core.audit_log import reads as module
from sequence.core.audit_log.models import AuditEntry, Via
from sequence.core.audit_log.reads import ReadLog
from sequence.core.audit_log.recording import Entry

PATIENCE_SECONDS = 60


@pytest.fixture
def log() -> Iterator[ReadLog]:
    log = ReadLog()
    yield log
    log.end()


@pytest.fixture
def entry(acme):
    def make(action: str = "GET_KEY") -> Entry:
        return Entry(organization_id=acme.id, actor="key:a", via=Via.API, action=action, request_id="r")

    return make


def count_after(wanted: int) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while AuditEntry.objects.count() < wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return AuditEntry.objects.count()


class TestFlush:
    def test_writes_what_waits_in_its_order(self, log, entry, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(module, "BATCH_SIZE", 3)
        for action in ("A", "B", "C", "D"):
            log.add(entry(action))

        with django_assert_num_queries(2):
            log.flush()
        assert list(AuditEntry.objects.order_by("position").values_list("action", flat=True)) == ["A", "B", "C", "D"]

    def test_keeps_what_cannot_be_written(self, log, entry, monkeypatch):
        def break_down(batch):
            raise OperationalError("away")

        for action in ("A", "B"):
            log.add(entry(action))
        with monkeypatch.context() as patch:
            patch.setattr(module, "record_all", break_down)
            with pytest.raises(DatabaseError):
                log.flush()

        log.flush()
        assert list(AuditEntry.objects.order_by("position").values_list("action", flat=True)) == ["A", "B"]


class TestQueue:
    def test_that_is_full_drops_nothing(self, log, entry, monkeypatch):
        monkeypatch.setattr(module, "MAX_WAITING", 2)
        for action in ("A", "B", "C"):
            log.add(entry(action))

        assert AuditEntry.objects.get().action == "C"
        log.flush()
        assert AuditEntry.objects.count() == 3


class TestBackground:
    def test_writes_by_itself_soon(self, transactional_db, log, entry, settings, monkeypatch):
        settings.AUDIT_READS_IN_BACKGROUND = True
        monkeypatch.setattr(module, "WRITE_EVERY_SECONDS", 0.02)
        for _ in range(3):
            log.add(entry())

        assert count_after(3) == 3

    def test_promises_a_second(self):
        assert module.WRITE_EVERY_SECONDS <= 0.5

    @pytest.mark.full
    @pytest.mark.parametrize("end", ["read()", "process = multiprocessing.Process(target=read); process.start()"])
    def test_is_flushed_when_the_process_ends(self, end):
        """In a process of its own, where writing is put on paper instead of into a database."""
        program = (
            "import django, multiprocessing, os\n"
            "os.environ['DJANGO_SETTINGS_MODULE'] = 'sequence.settings'; django.setup()\n"
            "from sequence.core.audit_log import reads\n"
            "reads.record_all = lambda batch: os.write(1, b'written %d' % len(batch))\n"
            "reads.WRITE_EVERY_SECONDS = 60\n"
            "def read():\n"
            "    reads.reads.add(object())\n"
            f"{end}\n"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)  # noqa: S603 - our own

        assert done.stdout == "written 1"

"""Reads on their way into the log: kept in memory and written in batches, at the latest a second later.

A process that is killed loses that second of reads. Writes never come here.
"""

import os
import threading
from collections import deque
from multiprocessing.util import Finalize

import structlog
from django.conf import settings
from django.db import Error, InterfaceError, connection

from sequence.core.audit_log.recording import Entry, record, record_all
from sequence.core.database.availability import reason_of

log = structlog.get_logger("sequence.audit_log")

# Half of the second that is promised: the other half is for writing.
WRITE_EVERY_SECONDS = 0.5
BATCH_SIZE = 500
# Some megabytes. While the database is away or slow, no more than these wait.
MAX_WAITING = 10_000


class ReadLog:
    """The reads of this process that are not written yet, and the thread that writes them."""

    def __init__(self) -> None:
        self._waiting: deque[Entry] = deque()
        self._writing = threading.Lock()
        self._process: int | None = None
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    def add(self, entry: Entry) -> None:
        """Keep the entry for the next batch; where too many wait already, write it at once."""
        if not settings.AUDIT_READS:
            return
        if len(self._waiting) >= MAX_WAITING:
            record(entry)
            return
        self._waiting.append(entry)
        if settings.AUDIT_READS_IN_BACKGROUND and self._process != os.getpid():
            self._start()

    def flush(self) -> None:
        """Write what waits. What cannot be written waits on, and the database's error is raised."""
        with self._writing:
            while batch := [self._waiting.popleft() for _ in range(min(BATCH_SIZE, len(self._waiting)))]:
                try:
                    record_all(batch)
                except (Error, InterfaceError):
                    self._waiting.extendleft(reversed(batch))
                    raise

    def forget(self) -> None:
        """Leave out what waits."""
        self._waiting.clear()

    def end(self) -> None:
        """Write what waits, and no more in the background. The process ends."""
        self._is_over.set()
        if self._thread is not None and self._process == os.getpid():
            self._thread.join()

    def _start(self) -> None:
        """Begin to write in the background. A process that was forked has no thread but its own."""
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._write_on, name="audit-reads", daemon=True)
        self._thread.start()
        # The web server's processes end as multiprocessing's do, which calls these and nothing of atexit's.
        Finalize(None, self.end, exitpriority=0)

    def _write_on(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._is_over.wait(WRITE_EVERY_SECONDS)
            if self._waiting:
                self._try_to_flush()
        connection.close()

    def _try_to_flush(self) -> None:
        try:
            self.flush()
        except (Error, InterfaceError) as error:
            log.warning("reads_wait_for_the_database", waiting=len(self._waiting), reason=reason_of(error))
            connection.close()


reads = ReadLog()

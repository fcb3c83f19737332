"""Start lock: one start at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sequence.local.postgres.errors import StartBlocked


@contextmanager
def exclusive(path: Path, *, patience_seconds: int) -> Iterator[None]:
    """Hold the lock on ``path``, against other processes and other threads of this one. Raises StartBlocked.

    The kernel lets go of it when the holder dies. It is only opened for reading: a file that root made serves all.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        _acquire(descriptor, path, patience_seconds)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, patience_seconds: int) -> None:
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StartBlocked(path, patience_seconds) from None
            time.sleep(0.05)

"""Runs programs beside each other until somebody asks to stop, and leaves none of them behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType

from sequence.local.launch.install import ROOT

# How often we look. Signals only leave a note, so that none can arrive between starting a program and knowing it.
TICK_SECONDS = 0.1

# Enough to finish the requests and the jobs at hand; who ignores SIGTERM longer is killed.
GRACE_SECONDS = 10

# Before a program that ended is started again: a database that is away needs a moment, and the log stays readable.
PAUSE_SECONDS = 1

# Of Linux's prctl: the signal that the kernel sends a process when its parent has died.
PR_SET_PDEATHSIG = 1

# A program that fails this soon after its first start is broken rather than unlucky: starting it again would not help.
PROBATION_SECONDS = 30


class StopRequest:
    """Remembers that Ctrl-C, SIGTERM or a closed terminal asked us to stop."""

    def __init__(self) -> None:
        self.is_made = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_made = True


class Program:
    """One program, in a session of its own: the terminal's signals reach us alone, and what it starts ends with it."""

    def __init__(
        self, name: str, command: Sequence[str], *, restart: bool = False, variables: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = command
        self.restart = restart
        self.variables = variables or {}
        self.starts = 0
        self.started_at = self.ended_at = 0.0

    def start(self, stdout: int | None = None) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own programs, and no shell.
            self.command,
            cwd=ROOT,
            env={**os.environ, **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=True,
            preexec_fn=_ends_with(os.getpid()),  # Safe, since there are no threads here.
        )
        self.starts += 1
        self.started_at = time.monotonic()
        self.ended_at = 0.0

    def has_ended(self) -> bool:
        if self.process.poll() is None:
            return False
        self.ended_at = self.ended_at or time.monotonic()
        return True

    def is_due_again(self) -> bool:
        """Tell whether to start it again now. One that fails during its probation is not."""
        return self.restart and not self.has_failed_probation() and time.monotonic() > self.ended_at + PAUSE_SECONDS

    def has_failed_probation(self) -> bool:
        is_short = self.ended_at - self.started_at < PROBATION_SECONDS
        # Whoever was killed has not failed: somebody else ended it.
        has_failed = self.process.returncode not in (0, -signal.SIGKILL)
        return self.starts == 1 and is_short and has_failed

    def ask_to_stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """Kill what is left of it, its own children included, and reap it."""
        with suppress(ProcessLookupError):  # Usually all of them have ended by themselves.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _ends_with(parent: int) -> Callable[[], None] | None:
    """Return what a program does before it begins, so that it is asked to end when ``parent`` is killed.

    Only Linux can; elsewhere what a killed start leaves behind keeps its port, and the next start says so.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)  # Killed meanwhile: no signal would come.

    return ask_the_kernel


def run_to_end(program: Program, stop: StopRequest) -> str | None:
    """Run one program to its end and return its output, or None if we were asked to stop first.

    Its errors go to the terminal. Raises CalledProcessError if it fails.
    """
    program.start(stdout=subprocess.PIPE)
    try:
        while not stop.is_made:
            try:
                output, _ = program.process.communicate(timeout=TICK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            if program.process.returncode:
                raise subprocess.CalledProcessError(program.process.returncode, program.command)
            return output.decode()
        return None
    finally:
        stop_all([program])


def keep_running(programs: Sequence[Program], stop: StopRequest, each_tick: Callable[[], None]) -> Program | None:
    """Run all of the programs until asked to stop; return the one that ended and must not, or None.

    None of them, nor anything that they started, is left when this returns.
    """
    started: list[Program] = []
    try:
        for program in programs:
            program.start()
            started.append(program)
        while not stop.is_made:
            for program in started:
                if program.has_ended():
                    if not program.restart or program.has_failed_probation():
                        return program
                    if program.is_due_again():
                        program.kill()  # Its children, where it could not end them: they would work beside new ones.
                        program.start()
            each_tick()
            time.sleep(TICK_SECONDS)
        return None
    finally:
        stop_all(started)


def stop_all(programs: Sequence[Program]) -> None:
    """Ask all of them to stop, wait together, and kill who does not."""
    for program in programs:
        program.ask_to_stop()
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and not all(program.has_ended() for program in programs):
        time.sleep(TICK_SECONDS)
    for program in programs:
        program.kill()

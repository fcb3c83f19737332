import signal
import subprocess
import sys
import time

import pytest

from sequence.local.launch import supervisor
from sequence.local.launch.install import ROOT
from sequence.local.launch.supervisor import Program, StopRequest, keep_running, run_to_end
from tests.postgres.conftest import processes_with, wait_until

# Longer than any of these tests, and gone by itself if one of them fails.
FOREVER = "sleep 100"


@pytest.fixture
def stop():
    return StopRequest()


@pytest.fixture
def mark(monkeypatch, tmp_path) -> str:
    """Stands in the environment of everything that is started, by which all of it can be found again."""
    monkeypatch.setenv("STARTED_BY", str(tmp_path))
    return f"STARTED_BY={tmp_path}"


def shell(script: str, *, restart: bool = False) -> Program:
    return Program("shell", ["/bin/sh", "-c", script], restart=restart)


def assert_nothing_is_left(mark: str) -> None:
    """A killed process needs a moment to go."""
    wait_until(lambda: processes_with(mark) == [])


def stop_when(stop: StopRequest, condition):
    def each_tick() -> None:
        stop.is_made = stop.is_made or condition()

    return each_tick


@pytest.mark.full
class TestKeepRunning:
    def test_starts_a_program_again_whenever_it_ends(self, stop, tmp_path, monkeypatch):
        monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.1)
        log = tmp_path / "log"
        worker = shell(f"echo started >> {log}", restart=True)

        ended = keep_running([worker], stop, stop_when(stop, lambda: worker.starts == 3))

        assert ended is None
        assert len(log.read_text().splitlines()) >= 2

    def test_starts_it_again_when_it_is_killed_after_its_probation(self, stop, monkeypatch):
        monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.1)
        monkeypatch.setattr(supervisor, "PROBATION_SECONDS", 0)
        worker = shell("kill -9 $$", restart=True)

        assert keep_running([worker], stop, stop_when(stop, lambda: worker.starts == 2)) is None

    def test_starts_it_again_when_it_is_killed_at_its_first_start(self, stop, mark, monkeypatch):
        """Without the children that it left: of three starts, one child at most is there."""
        monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.1)
        worker = shell(f"{FOREVER} & kill -9 $$", restart=True)
        seen: list[int] = []

        def each_tick() -> None:
            if worker.starts == 3:
                seen.append(len([number for number in processes_with(mark) if number != worker.process.pid]))
            stop.is_made = worker.starts == 4

        assert keep_running([worker], stop, each_tick) is None
        assert min(seen) <= 1
        assert_nothing_is_left(mark)

    def test_stops_everything_when_one_fails_at_its_first_start(self, stop, mark):
        broken = shell("exit 7", restart=True)

        assert keep_running([shell(FOREVER), broken], stop, lambda: None) is broken
        assert broken.process.returncode == 7
        assert_nothing_is_left(mark)

    def test_stops_everything_when_one_that_must_not_end_ends(self, stop, mark):
        server = shell("exit 0")

        assert keep_running([shell(FOREVER), server], stop, lambda: None) is server
        assert_nothing_is_left(mark)

    def test_stops_the_others_when_one_cannot_be_started(self, stop, mark):
        with pytest.raises(FileNotFoundError):
            keep_running([shell(FOREVER), Program("nothing", ["/no/such/program"])], stop, lambda: None)
        assert_nothing_is_left(mark)

    def test_kills_who_ignores_the_request_and_the_children_of_who_does_not(self, stop, mark, monkeypatch):
        monkeypatch.setattr(supervisor, "GRACE_SECONDS", 2)
        stubborn = shell(f"trap '' TERM; {FOREVER} & wait")
        careless = shell(f"{FOREVER} & wait")

        keep_running([stubborn, careless], stop, stop_when(stop, lambda: len(processes_with(mark)) >= 4))

        assert stubborn.process.returncode == -signal.SIGKILL
        assert careless.process.returncode == -signal.SIGTERM
        assert_nothing_is_left(mark)


class TestBeingKilled:
    SCRIPT = """
from sequence.local.launch.supervisor import *
programs = [Program("sleeper", ["/bin/sleep", "100"]) for _ in range(3)]
print(CALL)
"""

    @pytest.mark.parametrize(
        ("call", "count"),
        [("keep_running(programs, StopRequest(), lambda: None)", 4), ("run_to_end(programs[0], StopRequest())", 2)],
    )
    def test_ends_what_was_started(self, mark, call, count):
        script = self.SCRIPT.replace("CALL", call)
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) as process:  # noqa: S603
            wait_until(lambda: len(processes_with(mark)) == count)
            process.kill()

        assert_nothing_is_left(mark)


class TestRunToEnd:
    def test_returns_the_output(self, stop):
        assert run_to_end(shell("echo done"), stop) == "done\n"

    def test_raises_when_it_fails(self, stop):
        with pytest.raises(subprocess.CalledProcessError):
            run_to_end(shell("exit 3"), stop)

    def test_gives_up_when_asked_to_stop(self, stop, mark):
        stop.is_made = True

        assert run_to_end(shell(FOREVER), stop) is None
        assert_nothing_is_left(mark)


@pytest.mark.full
class TestStopRequest:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_is_heard_at_any_moment(self, mark, number):
        """Even while the programs are being started: none of them is left."""
        script = """
from sequence.local.launch.supervisor import *
stop = StopRequest()
stop.listen()
print("listening", flush=True)
programs = [Program("sleeper", ["/bin/sleep", "100"]) for _ in range(20)]
print(keep_running(programs, stop, lambda: None))
"""
        for delay in (0, 0.005, 0.02, 0.2):
            with subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "listening\n"
                time.sleep(delay)
                process.send_signal(number)
                assert process.stdout.read() == "None\n"
            assert_nothing_is_left(mark)

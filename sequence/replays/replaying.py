"""Replaying: one replay done from its snapshot to its result, in pieces that end soon.

It holds no lock and moves nothing. What it has found is written when it is found, together with the end of it.
"""

import time
from collections.abc import Generator
from datetime import timedelta

from django.conf import settings

from accounts.models import Account, AccountType
from sequence.core import clock
from sequence.core.sweeps import swept
from sequence.core.transactions import transactional
from sequence.replays.history import Accounts, History, TooManyEvents
from sequence.replays.models import MAX_ATTEMPTS, ReplayError, ReplayStatus, RuleReplay
from sequence.replays.opening import OpeningReader
from sequence.replays.question import Question
from sequence.replays.report import days_of, digest_of, result_of
from sequence.replays.snapshot import Snapshot, open_snapshot
from sequence.replays.told import tell
from sequence.replays.walk import Walk

# Events between two looks at the clock.
STRIDE = 100


class ClaimLost(Exception):
    """Another worker has taken the replay over."""


class Replaying:
    """One replay in the hands of this process. ``advance`` until it says that it has ended, then ``close``."""

    def __init__(self, replay: RuleReplay) -> None:
        self.replay = replay
        self._steps = _walked(replay)

    def advance(self, seconds: float) -> bool:
        """Go on for about so long; return whether it has ended. Raises ClaimLost."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                self.replay.events_seen = next(self._steps)
        except StopIteration as end:
            self._end(end.value)
            return True
        except TooManyEvents:
            self.fail(ReplayError.TOO_MANY_EVENTS)
            return True
        self._report_progress()
        return False

    def close(self) -> None:
        """Give the snapshot up."""
        self._steps.close()

    def fail(self, code: ReplayError) -> None:
        """End it without a result."""
        self._write(status=ReplayStatus.FAILED, error_code=code, ended_at=clock.now())

    def _end(self, walk: Walk) -> None:
        replay = self.replay
        replay.status, replay.events_seen, replay.result = ReplayStatus.DONE, walk.findings.events_seen, result_of(walk)
        self._write(
            status=replay.status,
            events_seen=replay.events_seen,
            result=replay.result,
            days=days_of(walk),
            digest=digest_of(tell(replay)),
            ended_at=clock.now(),
        )

    def _report_progress(self) -> None:
        self._write(events_seen=self.replay.events_seen, heard_at=clock.now())

    def _write(self, **facts: object) -> None:
        mine = RuleReplay.objects.in_progress().filter(id=self.replay.id, claim=self.replay.claim)
        if not mine.update(**facts):
            raise ClaimLost()


def _walked(replay: RuleReplay) -> Generator[int, None, Walk]:
    """Walk over the history, telling now and then how many events were seen, and return the walk."""
    with open_snapshot() as snapshot:
        walk, history = _prepared(replay, snapshot)
        yield 0
        for number, event in enumerate(history.events()):
            walk.see(event)
            if number % STRIDE == 0:
                yield walk.findings.events_seen
        walk.finish()
        return walk


def _prepared(replay: RuleReplay, snapshot: Snapshot) -> tuple[Walk, History]:
    question = Question(
        rule_id=replay.rule_id,
        version_id=replay.version_id,
        definition=replay.parsed(),
        since=replay.from_at,
        until=replay.to_at,
        rail_delay=timedelta(seconds=settings.SIMULATED_RAIL_DELAY_SECONDS),
    )
    accounts = _accounts_of(replay)
    opening = OpeningReader(snapshot, accounts, replay.organization_id, replay.from_at).read()
    return Walk(question, opening), History(snapshot, question, accounts, replay.organization_id)


def _accounts_of(replay: RuleReplay) -> Accounts:
    """Return the accounts of the replay by who keeps them, which never changes."""
    rows = Account.objects.for_organization(replay.organization_id).filter(id__in=replay.account_ids)
    outside = frozenset(rows.filter(type=AccountType.EXTERNAL_ACCOUNT).values_list("id", flat=True))
    return Accounts(frozenset(replay.account_ids) - outside, outside)


@transactional
def claim_next() -> RuleReplay | None:
    """Take hold of a replay that no living worker has, and return it; None where there is none.

    One that has broken too many workers is ended instead.
    """
    now = clock.now()
    claimable = swept(RuleReplay.objects.claimable(now))
    replay = claimable.select_for_update(skip_locked=True, no_key=True).first()
    if replay is None:
        return None
    replay.take(at=now)
    replay.save(update_fields=["claim", "heard_at", "attempts"])
    if replay.attempts > MAX_ATTEMPTS:
        Replaying(replay).fail(ReplayError.UNEXPECTED_ERROR)
        return None
    return replay

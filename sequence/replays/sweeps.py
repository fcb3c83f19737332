"""Sweep of replays: a piece of one at a time, so that money never waits for a look back."""

from datetime import datetime

import structlog

from sequence.core.due import due_when
from sequence.core.sweeps import DATABASE_TROUBLE
from sequence.replays.models import ReplayError, RuleReplay
from sequence.replays.replaying import ClaimLost, Replaying, claim_next

log = structlog.get_logger("sequence.replays")

# Between two pieces a worker looks for everything else that is due: money that has just come waits no longer than this.
PIECE_SECONDS = 0.05


class _Hand:
    """The replay that this process has hold of, if any, with its open snapshot."""

    held: Replaying | None = None


@due_when(lambda now: [RuleReplay.objects.in_progress()])
def carry_on_replays(now: datetime) -> int:
    """Do a piece of a replay and return 1; 0 where no replay waits, or another worker has hold of it.

    A replay that breaks on a defect of ours ends as failed; the log has the cause. What is lost with a killed worker is
    begun anew by the next.
    """
    if _Hand.held is None and not _take():
        return 0
    replaying = _Hand.held
    assert replaying is not None  # noqa: S101 - tells the type checker
    try:
        if replaying.advance(PIECE_SECONDS):
            _let_go()
    except DATABASE_TROUBLE:
        _let_go()
        raise
    except ClaimLost:
        log.warning("replay_taken_over", replay_id=replaying.replay.id)
        _let_go()
    except Exception as error:
        log.error("replay_broke", replay_id=replaying.replay.id, exc_info=error)
        _let_go()
        replaying.fail(ReplayError.UNEXPECTED_ERROR)
    return 1


def _take() -> bool:
    """Take hold of the next replay, and say whether there is one."""
    replay = claim_next()
    _Hand.held = Replaying(replay) if replay is not None else None
    return replay is not None


def _let_go() -> None:
    if _Hand.held is not None:
        _Hand.held.close()
        _Hand.held = None

"""Refusals of replays."""

from sequence.core.errors import Conflict, NotFound


class ReplayNotFound(NotFound):
    message = "Replay not found."


class ReplayRunning(Conflict):
    code = "replay_running"
    message = "Another replay of this organization is still running. Ask again when it has ended."
    remedy = "Ask again when the other one has ended."


class ReplayFailed(Conflict):
    """What was to be done here has ended without a result."""

    code = "replay_failed"
    message = "The replay failed: {error_code}."
    remedy = "Ask for a shorter period, or a smaller question."

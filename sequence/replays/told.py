"""A replay as it is told: in the API, by the command, and to its digest."""

from sequence.core.api.fields import show_time
from sequence.core.typing import JsonObject
from sequence.replays.models import RuleReplay
from sequence.replays.report import empty_result


def tell(replay: RuleReplay) -> JsonObject:
    """Return the replay in the order of the contract; before it has ended well, with zeros and empty lists."""
    result = replay.result or empty_result()
    return {
        "id": replay.id,
        "rule_id": replay.rule_id,
        "rule_version": replay.version.number if replay.version else None,
        "status": replay.status,
        "from": show_time(replay.from_at),
        "to": show_time(replay.to_at),
        "error_code": replay.error_code,
        "events_seen": replay.events_seen,
        **result,
        "digest": replay.digest,
    }

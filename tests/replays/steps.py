"""What tests of replays do all the time: let money move, ask, let a worker work, look."""

from datetime import datetime, timedelta

from django.utils import timezone

from rules.models import Rule
from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.worker import run_once
from sequence.replays.replaying import Replaying
from sequence.replays.services import ask_for_replay, get_replay
from sequence.replays.told import tell


def ago(**span: float) -> str:
    return show_time(timezone.now() - timedelta(**span))


def started(api, rule: Rule | str, **body) -> str:
    """Return the id of a replay that the API accepted."""
    rule_id = rule if isinstance(rule, str) else rule.id
    response = api.post(f"/rules/{rule_id}/replays", {"from": ago(days=1), **body})
    assert response.status_code == 202, response.content
    assert list(response.json()["data"]) == ["replay_id"]
    return response.json()["data"]["replay_id"]


def read(api, replay_id: str) -> dict:
    response = api.get(f"/rule-replays/{replay_id}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def replayed(api, rule: Rule | str, **body) -> dict:
    """Ask for a replay, let a worker do it, and return it."""
    replay_id = started(api, rule, **body)
    run_once()
    told = read(api, replay_id)
    assert told["status"] == "done", told
    return told


def way(source, destination, actual, replay):
    return {
        "source": source.id,
        "destination": destination.id,
        "actual_in_cents": actual,
        "replay_in_cents": replay,
    }


def account(told: dict, account) -> dict:
    [found] = [each for each in told["accounts"] if each["id"] == account.id]
    return found


def replayed_here(rule: Rule, *, since: datetime, now: datetime) -> dict:
    """Replay the rule at that instant without a worker, and return what is told."""
    with clock.stopped_at(now):
        asked = ask_for_replay(
            organization_id=rule.organization_id, rule_id=rule.id, since=since, by="test", claimed=True
        )
        replaying = Replaying(asked)
        while not replaying.advance(60):
            pass
        return tell(get_replay(organization_id=rule.organization_id, rule_replay_id=asked.id))

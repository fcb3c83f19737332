"""A year of the demo, and 50,000 events, replayed: time and memory. ``python -m benchmarks.replay``."""

import resource
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from benchmarks.scene import Scene, milliseconds, say, scratch_scene

from django.db import connection  # isort: skip - after benchmarks.scene, which sets Django up
from django.utils import timezone

from rules.models import Rule
from rules.services import create_rule
from sequence.core.api.ids import parse_id
from sequence.demo.seeding import make_demo
from sequence.replays.models import ReplayStatus, RuleReplay
from sequence.replays.replaying import Replaying
from sequence.replays.services import ask_for_replay

EVENTS = 50_000
HALVES = (EVENTS // 2, EVENTS)
# Deposits ten minutes apart, the last one now.
_DEPOSITS = """
    WITH due AS (
        SELECT gen_random_uuid() AS id, number, now() - %(events)s * interval '10 minutes'
            + number * interval '10 minutes' AS at
        FROM generate_series(1, %(events)s) AS number
    ), transfer AS (
        INSERT INTO transfers_transfer (id, organization_id, amount_cents, direction, origin, status, destination_id,
            rail, created_at, accepted_at, completed_at, updated_at)
        SELECT id, %(organization)s, 10000, 'money_in', 'paycheck', 'complete', %(account)s, 'incoming', at, at, at, at
        FROM due RETURNING id, completed_at
    ), entry AS (
        INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at)
        SELECT %(organization)s, 'settlement', id, completed_at FROM transfer ORDER BY completed_at
        RETURNING id, posted_at
    )
    INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, clearing, amount_cents, posted_at)
    SELECT %(organization)s, id, leg.account, leg.clearing, leg.cents, posted_at
    FROM entry, LATERAL (
        VALUES (%(account)s::uuid, NULL, 10000), (NULL, 'deposits', -10000)
    ) leg (account, clearing, cents)
"""


def main() -> None:
    with scratch_scene(pods=3) as scene:
        replay_the_demo()
        replay_many_events(scene)


def replay_the_demo() -> None:
    """Each rule of the household over its year."""
    facts = make_demo(actor="benchmark", tell=lambda line: None)
    for rule in Rule.objects.filter(organization_id=facts["organization"]).order_by("created_at"):
        took, replay = _replayed(rule, days=364)
        say(f"{rule}: {replay.events_seen} events in {took / 1000:.2f} s")


def replay_many_events(scene: Scene) -> None:
    """Half of them first, to compare the memory. Each deposit sets the rule off, which pays three times."""
    income, rent, savings = (pod.id for pod in scene.pods)
    rule = create_rule(
        organization_id=scene.organization.id,
        by="benchmark",
        trigger={"type": "ON_FUNDS_TRANSFERRED", "account_id": income},
        steps=[{"conditions": None, "actions": [_share(income, to) for to in (rent, savings, rent)]}],
    )
    values = {"organization": parse_id("org", scene.organization.id), "account": parse_id("acc", income)}
    done = 0
    for number in HALVES:
        _insert_deposits(number - done, values)
        done = number
        took, replay = _replayed(rule, days=366)
        runs = replay.result["runs"]["replay"]["executed"]
        assert runs == number, replay.result["runs"]  # noqa: S101 - or it measured too little
        say(f"{replay.events_seen:,} events, each a run of 3 actions, in {took / 1000:.1f} s")
        say(f"  the process at its peak by now: {_peak_mebibytes():.0f} MiB")


def _peak_mebibytes() -> float:
    """Return the most memory that this process has had; with more events it should be no more."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _share(source: str, destination: str) -> dict[str, object]:
    kind = {"percentage_value": 30, "percentage_target": "INCOMING_AMOUNT"}
    return {"type": "percentage", "source": {"id": source}, "destination": {"id": destination}, **kind}


def _insert_deposits(number: int, values: Mapping[str, Any]) -> None:
    """Insert deposits of the last year, ten minutes apart; the second half lies between those of the first."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPOSITS, {**values, "events": number})
        cursor.execute("ANALYZE")


def _replayed(rule: Rule, *, days: int) -> tuple[float, RuleReplay]:
    """Return how many milliseconds a replay took, and the replay."""
    asked = ask_for_replay(
        organization_id=rule.organization_id,
        rule_id=rule.id,
        since=timezone.now() - timedelta(days=days, seconds=-1),
        by="benchmark",
        claimed=True,
    )
    took = milliseconds(lambda: _do(Replaying(asked)))
    replay = RuleReplay.objects.get(id=asked.id)
    assert replay.status == ReplayStatus.DONE, replay.error_code  # noqa: S101 - or it measured failures
    return took, replay


def _do(replaying: Replaying) -> None:
    while not replaying.advance(0.1):
        pass


if __name__ == "__main__":
    main()

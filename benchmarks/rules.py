"""Planning one large rule, and a thousand rules whose slots are due at once: ``python -m benchmarks.rules``."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from benchmarks.scene import Scene, describe, milliseconds, say, scratch_scene

from django.utils import timezone  # isort: skip - after benchmarks.scene, which sets Django up

from rules.engine.definition import Definition
from rules.engine.plan import make_plan
from rules.engine.snapshot import AccountState, Snapshot
from rules.models import ExecutionStatus, RuleExecution
from rules.serializers import RuleBody
from rules.services import create_rule, enable_rule
from rules.sweeps import carry_out, notice_slots
from transfers.rails import rail_between

PLANS = 500
STEPS, ACTIONS, NODES = 10, 20, 200
RULES = 1_000
PODS = 100


def main() -> None:
    plan_a_large_rule()
    with scratch_scene(pods=PODS, cents_in_each=10_000_000) as scene:
        fire_a_thousand_slots(scene)


def plan_a_large_rule() -> None:
    """The last step is the one that holds, so that every condition is looked at; it has most of the actions."""
    actions = [_move("a", "b", 100 + number) for number in range(ACTIONS)]
    last = STEPS - 1
    steps = [{"conditions": _tree(holds=False), "actions": [actions[index]]} for index in range(last)]
    steps.append({"conditions": _tree(holds=True), "actions": actions[last:]})
    definition = Definition.read(_kept({"trigger": {"type": "MANUAL", "account_id": "a"}, "steps": steps}))
    accounts = {id: AccountState(id, id, balance_cents=10_000_000) for id in "ab"}
    snapshot = Snapshot(accounts, timezone.now().date(), rail_between, "a", incoming_cents=500)
    plan = make_plan(definition, snapshot)
    assert plan.step_index == last and len(plan.lines) == ACTIONS - last  # noqa: S101, PT018 - or it measured too little
    samples = [milliseconds(lambda: make_plan(definition, snapshot)) for _ in range(PLANS)]
    describe(f"plan of {STEPS} steps, {ACTIONS} actions, {NODES} condition nodes", samples)


def _tree(*, holds: bool) -> dict[str, object]:
    """A step's share of the nodes: one ``all`` with groups of ``any`` below it."""
    leaf = {"condition": {"fact": "TRANSFER_AMOUNT", "operator": "EQUALS", "value": 500 if holds else 501}}
    groups = [{"any": [leaf] * 4} for _ in range(3)]
    loose = NODES // STEPS - 1 - 3 * 5
    return {"all": [*groups, *[leaf] * loose]}


def _move(source: str, destination: str, cents: int) -> dict[str, object]:
    return {
        "type": "fixed_amount",
        "source": {"id": source},
        "destination": {"id": destination},
        "amount_in_cents": cents,
    }


def _kept(body: Mapping[str, object]) -> dict[str, Any]:
    reader = RuleBody(data=body)
    reader.is_valid(raise_exception=True)
    return {"trigger": reader.validated_data["trigger"], "steps": reader.validated_data["steps"]}


def fire_a_thousand_slots(scene: Scene) -> None:
    """Daily rules that began five years ago and move a dollar between two pods each, after a night."""
    began = (timezone.now() - timedelta(days=5 * 365)).isoformat()
    for number in range(RULES):
        pods = [scene.pods[number % PODS], scene.pods[(number + 1) % PODS]]
        trigger = {"type": "SCHEDULED", "schedule_type": "DAILY", "start_date": began}
        body = {"trigger": trigger, "steps": [{"actions": [_move(pods[0].id, pods[1].id, 100)]}]}
        rule = create_rule(organization_id=scene.organization.id, by="benchmark", **_kept(body))
        enable_rule(rule_id=rule.id, version=rule.version, by="benchmark")
    due = timezone.now() + timedelta(days=1)
    batches: list[float] = []
    while (took := milliseconds(lambda: notice_slots(due))) and RuleExecution.objects.count() > len(batches) * 100:
        batches.append(took)
    describe("noticing 100 due slots", batches)
    running = milliseconds(lambda: [carry_out(due) for _ in range(RULES // 100)])
    done = RuleExecution.objects.filter(status=ExecutionStatus.EXECUTED).count()
    assert done == RULES, done  # noqa: S101 - or it measured failures
    total = sum(batches) + running
    say(f"{RULES:,} due slots: noticed in {sum(batches) / 1000:.2f} s, all done in {total / 1000:.2f} s")


if __name__ == "__main__":
    main()

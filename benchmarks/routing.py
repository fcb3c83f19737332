"""Deposits that rules route on, in a second: noticed, run and settled by one worker: ``python -m benchmarks.routing``.

``benchmarks.compare`` runs this file in another checkout too, to set the code beside an earlier one: it imports nothing
that the earlier one may not have.
"""

from benchmarks.scene import Scene, milliseconds, say, scratch_scene

from django.utils import timezone  # isort: skip - after benchmarks.scene, which sets Django up

from accounts.services import create_income_source
from rules.models import ExecutionStatus, RuleExecution
from rules.serializers import RuleBody
from rules.services import create_rule, enable_rule
from rules.sweeps import carry_out, notice_deposits
from sequence.core.events.numbering import number_events
from sequence.core.worker import run_once
from transfers.models import Origin
from transfers.services import deposit

SOURCES, PODS = 20, 60
DEPOSITS, ROUNDS = 400, 3


def main() -> None:
    with scratch_scene(pods=PODS) as scene:
        sources = [_source_with_rule(scene, number) for number in range(SOURCES)]
        for _ in range(ROUNDS):
            for number in range(DEPOSITS):
                deposit(account_id=sources[number % SOURCES], amount_cents=100_000, origin=Origin.PAYCHECK, by="bench")
            took = milliseconds(_route)
            say(f"{DEPOSITS / took * 1000:.1f}")
        done = RuleExecution.objects.filter(status=ExecutionStatus.EXECUTED).count()
        assert done == DEPOSITS * ROUNDS, done  # noqa: S101 - or it measured failures


def _source_with_rule(scene: Scene, number: int) -> str:
    """Return an income source with a rule of one condition and three shares to pods."""
    source = create_income_source(
        organization_id=scene.organization.id, beneficiary_name="Benchmark", nickname=f"Pay {number}"
    )
    condition = {"condition": {"fact": "TRANSFER_AMOUNT", "operator": "GREATER_THAN", "value": 1000}}
    pods = scene.pods[3 * number : 3 * number + 3]
    shares = [_share(source.id, pod.id, percent) for pod, percent in zip(pods, (50, 30, 20), strict=True)]
    trigger = {"type": "ON_FUNDS_TRANSFERRED", "account_id": source.id}
    reader = RuleBody(data={"trigger": trigger, "steps": [{"conditions": condition, "actions": shares}]})
    reader.is_valid(raise_exception=True)
    rule = create_rule(organization_id=scene.organization.id, by="benchmark", **reader.validated_data)
    enable_rule(rule_id=rule.id, version=rule.version, by="somebody else")
    return source.id


def _share(source: str, pod: str, percent: int) -> dict[str, object]:
    target = {"percentage_value": percent, "percentage_target": "INCOMING_AMOUNT"}
    return {"type": "percentage", "source": {"id": source}, "destination": {"id": pod}, **target}


def _route() -> None:
    while number_events(timezone.now()) + notice_deposits(timezone.now()):
        pass
    while carry_out(timezone.now()):
        pass
    run_once()


if __name__ == "__main__":
    main()

"""What somebody writes against the generated models: checked by mypy --strict, then run against a server."""

import json
import os
from typing import TypeVar

from router.api.accounts import account_create_income_source, account_create_pod
from router.api.rule_executions import rule_execution_retrieve
from router.api.rules import rule_create, rule_replace, rule_retrieve, rule_trigger
from router.client import AuthenticatedClient
from router.models import (
    AccountDetailAnswer,
    AllConditions,
    AllConditionsInput,
    AllConditionsTrace,
    AnyConditions,
    AnyConditionsInput,
    AnyConditionsTrace,
    ComparisonInput,
    CreateIncomeSource,
    CreatePod,
    ExecutionDetailAnswer,
    ExecutionStartedAnswer,
    Fact,
    LimitInput,
    LimitPeriod,
    LimitTrace,
    ManualTriggerInput,
    Operator,
    PercentageAction,
    PercentageActionInput,
    PercentageTarget,
    PlannedActionTrace,
    RuleAccountInput,
    RuleBody,
    RuleDetailAnswer,
    RuleReplacementBody,
    RuleStepInput,
    ScheduledTriggerDetails,
    SingleCondition,
    SingleConditionInput,
    SingleConditionTrace,
    TriggerRuleBody,
    ValueFact,
)

T = TypeVar("T")


def expect(kind: type[T], answer: object) -> T:
    """Return the answer, which is of one of the kinds that the operation may answer with."""
    assert isinstance(answer, kind), answer
    return answer


def in_words(condition: SingleCondition | AllConditions | AnyConditions) -> str:
    if isinstance(condition, AllConditions):
        return f"all({', '.join(map(in_words, condition.all_))})"
    if isinstance(condition, AnyConditions):
        return f"any({', '.join(map(in_words, condition.any_))})"
    compared = condition.condition
    other = compared.value_fact if compared.value is None else f"{compared.value:g}"
    return f"{compared.fact} {compared.operator} {other}"


def verdicts(trace: SingleConditionTrace | AllConditionsTrace | AnyConditionsTrace) -> str:
    mark = "yes" if trace.holds else "no"
    if isinstance(trace, AllConditionsTrace):
        return f"all({', '.join(map(verdicts, trace.all_))}): {mark}"
    if isinstance(trace, AnyConditionsTrace):
        return f"any({', '.join(map(verdicts, trace.any_))}): {mark}"
    return f"{trace.condition.fact} was {trace.saw}: {mark}"


client = AuthenticatedClient(base_url=os.environ["SERVER"], token=os.environ["KEY"], prefix="ApiKey")

pay = CreateIncomeSource(nickname="Pay")
source = expect(AccountDetailAnswer, account_create_income_source.sync(client=client, body=pay)).data
pod = expect(AccountDetailAnswer, account_create_pod.sync(client=client, body=CreatePod(nickname="Rent"))).data

nested = AllConditionsInput(
    all_=[
        SingleConditionInput(ComparisonInput(Fact.TRANSFER_AMOUNT, Operator.GREATER_THAN, value=100)),
        AnyConditionsInput(
            any_=[
                SingleConditionInput(
                    ComparisonInput(Fact.DATE, Operator.LESS_THAN_OR_EQUAL, value_fact=ValueFact.LAST_DAY_OF_MONTH)
                )
            ]
        ),
    ]
)
half = PercentageActionInput(
    type_="percentage",
    source=RuleAccountInput(id=source.id),
    destination=RuleAccountInput(id=pod.id),
    percentage_value=50,
    percentage_target=PercentageTarget.INCOMING_AMOUNT,
    up_to_enabled=True,
    limit=LimitInput(LimitPeriod.PER_MONTH, 20000),
)
trigger = ManualTriggerInput(type_="MANUAL", account_id=source.id)
body = RuleBody(trigger=trigger, steps=[RuleStepInput(actions=[half], conditions=nested)])
created = expect(RuleDetailAnswer, rule_create.sync(client=client, body=body)).data

rule = expect(RuleDetailAnswer, rule_retrieve.sync(created.id, client=client)).data
step = rule.steps[0]
action = expect(PercentageAction, step.actions[0])
share: float = action.percentage_value

# What GET gives, PUT takes.
again = RuleReplacementBody.from_dict(rule.to_dict())
back = expect(RuleDetailAnswer, rule_replace.sync(rule.id, client=client, body=again)).data

run = TriggerRuleBody(manual_execute_amount=50000, simulation=True)
started = expect(ExecutionStartedAnswer, rule_trigger.sync(rule.id, client=client, body=run)).data
execution = expect(ExecutionDetailAnswer, rule_execution_retrieve.sync(started.execution_id, client=client)).data
details = execution.trigger_details
because = str(details.scheduled_time if isinstance(details, ScheduledTriggerDetails) else details.amount_in_cents)
seen = execution.trace.steps[0].conditions
told = expect(PlannedActionTrace, execution.trace.actions[0])

print(  # noqa: T201 - the test reads it
    json.dumps(
        {
            "conditions": step.conditions and in_words(step.conditions),
            "same": back.steps == rule.steps,
            "share": share,
            "name": action.source.name,
            "because": because,
            "seen": seen and verdicts(seen),
            "cut": expect(LimitTrace, told.limit).limit_in_cents,
            "moved": [movement.result for movement in told.movements],
        }
    )
)

"""Story that the document's examples are made of: one household, one morning, every operation, and what is refused.

``{Rent}`` stands for the id of what is called so; ``keeps`` gives a name to the id of an answer. ``story_telling``
sends the steps.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One request of the story, and what becomes of it."""

    operation: str
    title: str
    method: str
    path: str
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    who: str = "KEY"
    keeps: str = ""
    # What happens in the house before it.
    before: str = ""


def _action(type: str, source: str, destination: str, **own: Any) -> dict[str, Any]:
    return {"type": type, "source": {"id": f"{{{source}}}"}, "destination": {"id": f"{{{destination}}}"}, **own}


def _share(destination: str, percent: float) -> dict[str, Any]:
    own = {"percentage_value": percent, "percentage_target": "INCOMING_AMOUNT"}
    return _action("percentage", "Main Payroll", destination, **own)


SPLIT = {
    "nickname": "Split the paycheck",
    "description": "Rent first, then savings; the rest stays.",
    "trigger": {"type": "ON_FUNDS_TRANSFERRED", "account_id": "{Main Payroll}"},
    "steps": [{"conditions": None, "actions": [_share("Rent", 45), _share("Rainy days", 10)]}],
}
SWEEP = {
    "nickname": "Sweep above a thousand",
    "trigger": {
        "type": "SCHEDULED",
        "schedule_type": "MONTHLY",
        "start_date": "2030-01-28T20:00:00Z",
        "account_id": "{Main Payroll}",
    },
    "steps": [
        {
            "conditions": {
                "condition": {
                    "fact": "BALANCE",
                    "operator": "GREATER_THAN",
                    "value": 100000,
                    "params": {"account_id": "{Main Payroll}"},
                }
            },
            "actions": [_action("round_down", "Main Payroll", "Vacation", amount_in_cents=100000)],
        }
    ],
}


def _payment(cents: int, source: str = "Rainy days", target: str = "Groceries", **own: Any) -> dict[str, Any]:
    ends = {"source_account_id": f"{{{source}}}", "destination_account_id": f"{{{target}}}"}
    return {**ends, "amount_in_cents": cents, **own}


STORY = (
    Step("account_list", "The first three accounts", "GET", "/accounts", query={"first": 3}),
    Step("account_list", "Debts and accounts elsewhere", "GET", "/accounts", query={"type": "external_account"}),
    Step("account_list", "A parameter that is not there", "GET", "/accounts", query={"kind": "pod"}, status=400),
    Step(
        "account_create_income_source",
        "Where a new employer pays",
        "POST",
        "/accounts/income-sources",
        {"nickname": "Evening job", "icon": "briefcase"},
        headers={"Idempotency-Key": "7f2c9a9e-evening-job"},
        status=201,
    ),
    Step(
        "account_create_pod",
        "A place for a purpose",
        "POST",
        "/accounts/pods",
        {"nickname": "New bicycle", "icon": "bike", "description": "By June", "savings_target_in_cents": 90000},
        status=201,
        keeps="New bicycle",
    ),
    Step("account_create_pod", "Without a name", "POST", "/accounts/pods", {"icon": "bike"}, status=400),
    Step("account_retrieve", "What is in the rent pod", "GET", "/accounts/{Rent}"),
    Step("account_retrieve", "Nobody's account", "GET", "/accounts/acc_01HABC99999999999999999999", status=404),
    Step("account_edit", "Another name", "PATCH", "/accounts/{New bicycle}", {"nickname": "Cargo bicycle"}),
    Step("account_destroy", "Something is in it", "DELETE", "/accounts/{Vacation}", status=409),
    Step("account_destroy", "Empty, and no longer needed", "DELETE", "/accounts/{New bicycle}", status=204),
    Step(
        "transfer_create",
        "Pay for the groceries",
        "POST",
        "/transfers",
        _payment(2000, description="Weekly"),
        headers={"Idempotency-Key": "groceries-week-10"},
        status=201,
        keeps="payment",
    ),
    Step(
        "transfer_create",
        "The same key for another payment",
        "POST",
        "/transfers",
        _payment(9900),
        headers={"Idempotency-Key": "groceries-week-10"},
        status=400,
    ),
    Step(
        "transfer_create",
        "Above the agent's cap",
        "POST",
        "/transfers",
        _payment(12000),
        who="AGENT_KEY",
        status=403,
    ),
    Step(
        "transfer_create",
        "So much that a person decides",
        "POST",
        "/transfers",
        _payment(45000, target="Everyday checking"),
        headers={"X-Called-Reason": "The washing machine is broken"},
        who="AGENT_KEY",
        status=201,
        keeps="approval",
    ),
    Step(
        "transfer_create",
        "From an account that is not there",
        "POST",
        "/transfers",
        {**_payment(2000), "source_account_id": "acc_01HABC99999999999999999999"},
        status=404,
    ),
    Step("transfer_dry_run", "What would be enough?", "POST", "/transfers/dry-run", _payment(12000), who="AGENT_KEY"),
    Step("transfer_retrieve", "What became of it", "GET", "/transfers/{payment}", before="work"),
    Step(
        "transfer_list",
        "What went into the groceries",
        "GET",
        "/transfers",
        query={"account_id": "{Groceries}", "account_role": "destination", "status": "complete", "first": 2},
    ),
    Step("transfer_cancel", "No longer wanted", "POST", "/transfers/{approval}/cancel"),
    Step("transfer_cancel", "Too late", "POST", "/transfers/{payment}/cancel", status=409),
    Step(
        "account_balance_retrieve",
        "At the beginning of the day",
        "GET",
        "/accounts/{Groceries}/balance",
        query={"at": "2026-03-02T09:00:30Z"},
    ),
    Step("rule_create", "Split each paycheck", "POST", "/rules", SPLIT, status=201, keeps="Split the paycheck"),
    Step("rule_create", "Sweep on the 28th, if there is enough", "POST", "/rules", SWEEP, status=201, keeps="sweep"),
    Step(
        "rule_create",
        "An action without an amount",
        "POST",
        "/rules",
        {**SPLIT, "steps": [{"actions": [_action("fixed_amount", "Main Payroll", "Rent")]}]},
        status=400,
    ),
    Step("rule_retrieve", "A rule with all its parts", "GET", "/rules/{Split the paycheck}"),
    Step(
        "rule_trigger",
        "Simulate it with a thousand dollars",
        "POST",
        "/rules/{Split the paycheck}/trigger",
        {"simulation": True, "manual_execute_amount": 100000},
        status=202,
        keeps="simulation",
    ),
    Step("rule_trigger", "Nobody has enabled it", "POST", "/rules/{Split the paycheck}/trigger", {}, status=403),
    Step("rule_execution_retrieve", "What it would have moved, and why", "GET", "/rule-executions/{simulation}"),
    Step(
        "rule_trigger",
        "Run it",
        "POST",
        "/rules/{Split the paycheck}/trigger",
        {"manual_execute_amount": 50000},
        status=202,
        before="enable",
    ),
    Step(
        "rule_execution_list",
        "What it did",
        "GET",
        "/rule-executions",
        query={"rule_id": "{Split the paycheck}"},
        before="paycheck",
    ),
    Step(
        "rule_why_not",
        "Why did a deposit not set it off?",
        "GET",
        "/rules/{sweep}/why-not",
        query={"transfer_id": "{paycheck}"},
    ),
    Step("rule_replace", "Another share", "PUT", "/rules/{sweep}", {**SWEEP, "nickname": "Sweep, later"}),
    Step("rule_versions", "What it was before", "GET", "/rules/{sweep}/versions", query={"first": 1}),
    Step("rule_list", "Rules that Main Payroll sets off", "GET", "/rules", query={"source_id": "{Main Payroll}"}),
    Step(
        "rule_replay_create",
        "Try it on what really happened",
        "POST",
        "/rules/{Split the paycheck}/replays",
        {"from": "2026-03-01T00:00:00Z"},
        status=202,
        keeps="replay",
    ),
    Step(
        "rule_replay_create",
        "One at a time",
        "POST",
        "/rules/{Split the paycheck}/replays",
        {"from": "2026-03-01T00:00:00Z"},
        status=409,
    ),
    Step("rule_replay_retrieve", "The report", "GET", "/rule-replays/{replay}", before="work"),
    Step("rule_replay_list", "All of a rule", "GET", "/rules/{Split the paycheck}/replays"),
    Step("rule_destroy", "No longer wanted", "DELETE", "/rules/{sweep}", status=204),
    Step("card_list", "The cards of a pod", "GET", "/cards", query={"account_id": "{Groceries}"}),
    Step("card_retrieve", "One card", "GET", "/cards/{card}"),
    Step("card_transactions", "What was bought", "GET", "/cards/{card}/transactions", before="purchase"),
    Step(
        "event_list",
        "What happened since",
        "GET",
        "/events",
        query={"event": "transfer.status_changed", "after_sequence": 30, "first": 2},
        before="work",
    ),
    Step("event_retrieve", "One event", "GET", "/events/{event}"),
    Step("event_delivery_list", "Who was told", "GET", "/events/{event}/deliveries"),
    Step("audit_log_list", "The last two entries", "GET", "/audit-logs", query={"first": 2}, before="work"),
    Step("audit_log_head_of_chain", "A head to keep elsewhere", "GET", "/audit-logs/head"),
    Step("audit_log_keys", "What heads are verified with", "GET", "/audit-logs/keys"),
    Step("idempotency_key_retrieve", "What became of that request?", "GET", "/idempotency-keys/groceries-week-10"),
    Step("key_retrieve", "What the agent may do", "GET", "/key", who="AGENT_KEY"),
    Step("key_retrieve", "A key that is none", "GET", "/key", who="", status=401),
    Step(
        "key_pause", "The agent stops itself", "POST", "/key/pause", {"reason": "Two bills look alike"}, who="AGENT_KEY"
    ),
    Step("account_list", "A paused key", "GET", "/accounts", who="AGENT_KEY", status=403),
)

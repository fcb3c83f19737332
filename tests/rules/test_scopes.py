"""Which scope opens which endpoint of rules."""

import pytest

from sequence.core.worker import run_once
from tests.rules.definitions import manual, on_funds, rule, step
from tests.rules.steps import move, runs_of, write_enabled
from tests.transfers.steps import error_of, fund


@pytest.fixture
def made(api, income, rent):
    """An enabled rule: $10.00 of what arrives in Payroll go to Rent."""
    return write_enabled(api, rule(step(move(income, rent, 10_00)), trigger=on_funds(income.id), nickname="Old"))


@pytest.fixture
def body(income, savings):
    return rule(step(move(income, savings, 20_00)), trigger=manual(income.id), description="New")


class TestScopes:
    @pytest.mark.parametrize(
        ("method", "path", "scope"),
        [
            ("GET", "/rules", "LIST_RULES"),
            ("POST", "/rules", "CREATE_AND_EDIT_RULES"),
            ("GET", "/rules/{id}", "READ_RULES:*"),
            ("GET", "/rules/{id}/versions", "READ_RULES:*"),
            ("PUT", "/rules/{id}", "CREATE_AND_EDIT_RULES"),
            ("DELETE", "/rules/{id}", "CREATE_AND_EDIT_RULES"),
            ("POST", "/rules/{id}/trigger", "TRIGGER_RULES:*"),
            ("GET", "/rule-executions?rule_id={id}", "READ_RULE_EXECUTIONS:*"),
            ("GET", "/rule-executions/{rex}", "READ_RULE_EXECUTIONS:*"),
        ],
    )
    def test_of_each_endpoint_opens_it_alone(self, client_with, api, made, body, income, method, path, scope):
        fund(income, 100_00)
        run_once()
        [run] = runs_of(made)
        path = path.format(id=made.id, rex=run.id)
        sent = {} if path.endswith("trigger") else body if method in ("POST", "PUT") else None
        others = [
            "LIST_RULES", "CREATE_AND_EDIT_RULES", "READ_RULES:*", "TRIGGER_RULES:*", "READ_RULE_EXECUTIONS:*",
        ]  # fmt: skip
        without = client_with(*(other for other in others if other != scope))

        assert error_of(without.request(method, path, sent)) == (403, "forbidden")
        assert client_with(scope).request(method, path, sent).status_code in (200, 201, 202, 204)

    def test_of_writing_do_not_let_a_key_enable_what_it_wrote(self, client_with, body):
        writer = client_with("CREATE_AND_EDIT_RULES", "TRIGGER_RULES:*")
        made = writer.post("/rules", {**body, "status": "enabled"}).json()["data"]

        assert error_of(writer.post(f"/rules/{made['id']}/trigger", {})) == (403, "rule_disabled")
        assert error_of(writer.patch(f"/rules/{made['id']}", {"status": "enabled"})) == (405, "method_not_allowed")

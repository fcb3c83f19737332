# ruff: noqa: S608 - the attacks
"""Foreign keys that carry the organization: what they held before, and that it is of the same organization."""

import pytest

from rules.models import RuleExecution
from sequence.core.api.ids import parse_id
from sequence.webhooks.models import WebhookEndpoint
from tests.transfers.statements import refusal, uuid_of

pytestmark = [pytest.mark.django_db, pytest.mark.as_owner]


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("sequence_pendingdelivery", "attempts, due_at", "0, now()"),
        (
            "sequence_webhookdelivery",
            "id, attempt, created_at, status, duration_ms",
            "gen_random_uuid(), 1, now(), 'delivered', 1",
        ),
    ],
)
def test_no_delivery_is_of_somebody_elses_endpoint(houses, globex, table, columns, values):
    own = WebhookEndpoint.objects.get(organization=houses[0].organization)
    sql = (
        f"INSERT INTO {table} (organization_id, endpoint_id, event_id, {columns})"
        f" VALUES (%s, %s, gen_random_uuid(), {values})"
    )

    assert f"{table}_endpoint_id_of_same_organization" in refusal((sql, [uuid_of(globex), uuid_of(own)]))


def test_no_chain_of_runs_began_with_somebody_elses(houses):
    own, other = (parse_id("rex", house.execution_id) for house in houses)
    sql = """
        INSERT INTO rules_ruleexecution SELECT (jsonb_populate_record(
            run, jsonb_build_object('id', gen_random_uuid(), 'chain_root_id', %s::uuid)
        )).* FROM rules_ruleexecution run WHERE id = %s
    """

    assert "rules_ruleexecution_chain_root_id_of_same_organization" in refusal((sql, [other, own]))
    assert RuleExecution.objects.filter(chain_root__isnull=False).count() == 0

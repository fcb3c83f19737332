"""What GET gives of a rule, PUT takes: for every rule, and nothing comes of it but a version."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rules.models import Rule
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import action, condition, manual, on_funds, rule, scheduled, step
from tests.rules.engine.test_properties import DEBTS, PODS, bodies, trees_of
from tests.rules.steps import changed, write
from tests.transfers.steps import error_of

triggers = (
    st.sampled_from([manual(), on_funds("income")])
    | st.builds(
        scheduled,
        st.sampled_from(["ONE_TIME", "DAILY", "WEEKLY", "BI_WEEKLY", "MONTHLY", "EVERY_OTHER_WEEK"]),
        st.sampled_from(["2026-01-31", "2026-01-31T09:30:00Z", "2026-01-31T23:30:00.25-05:00"]),
        st.sampled_from([None, "income"]),
    )
)  # fmt: skip
operators = st.sampled_from(["EQUALS", "NOT_EQUALS", "GREATER_THAN", "LESS_THAN_OR_EQUAL"])
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.decimals(-1000, 1000, places=3).map(float)
leaves = st.builds(
    condition, st.sampled_from(["TRANSFER_AMOUNT", "BALANCE", "DATE"]), operators, numbers, of=st.just("bank")
) | st.builds(
    lambda fact, operator, other: condition(fact, operator, of="visa", fact_value=other),
    st.sampled_from(["TRANSFER_AMOUNT", "BALANCE"]),
    operators,
    st.sampled_from(["BALANCE", "LAST_DAY_OF_MONTH", "NEXT_PAYMENT_MINIMUM_AMOUNT", "LAST_STATEMENT_BALANCE"]),
)
texts = st.fixed_dictionaries(
    {},
    optional={"nickname": st.sampled_from(["Pay day", "Ü"]), "description": st.sampled_from(["One\ntwo", "x" * 500])},
)
ends = st.fixed_dictionaries(
    {},
    optional={
        "ach_description": st.sampled_from(["RENT 01", None]),
        "is_direct_deposit": st.booleans(),
        "destination": st.none(),
    },
)


@st.composite
def written(draw):
    """A body of POST /rules whose accounts stand under their nicknames."""
    body = {**draw(bodies), **draw(texts), "trigger": draw(triggers)}
    for each in body["steps"]:
        each["conditions"] = draw(st.none() | trees_of(leaves))
        for spec in each["actions"]:
            extra = draw(ends)
            if "accounts" not in spec:
                extra.pop("destination", None)
            spec.update(extra)
    return body


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    """Return the JSON with ids in the place of nicknames."""
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: ids[inner] if name in ("id", "account_id") and inner else with_ids(inner, ids)
        for name, inner in value.items()
    }


def body_of(told: dict[str, Any]) -> dict[str, Any]:
    """Return what GET gave, as PUT takes it."""
    return {name: told[name] for name in ("nickname", "description", "trigger", "steps")}


@pytest.fixture
def ids(acme) -> dict[str, str]:
    accounts = {"income": IncomeSourceFactory(organization=acme), "bank": ExternalAccountFactory(organization=acme)}
    accounts |= {name: PodFactory(organization=acme) for name in PODS}
    debt = {"organization": acme, "external_account_type": "LIABILITY"}
    accounts |= {name: ExternalAccountFactory(**debt) for name in DEBTS}
    return {name: account.id for name, account in accounts.items()}


class TestPutBack:
    def test_changes_nothing_but_the_version(self, api, ids, by_length):
        @settings(
            max_examples=by_length(10, 50, 1000),
            deadline=None,
            database=None,
            # A smaller rule would be easier to read, and takes minutes to find.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(written())
        def put_back(body):
            made = write(api, with_ids(body, ids))
            before = api.get(f"/rules/{made.id}").json()["data"]

            response = api.put(f"/rules/{made.id}", before)

            assert response.status_code == 200, response.content
            after = response.json()["data"]
            assert {**after, "updated_at": before["updated_at"]} == before
            kept = Rule.objects.get(id=made.id)
            assert (made.version, kept.version) == (1, 2)
            assert kept.account_ids == made.account_ids
            versions = [json.dumps(version.definition) for version in kept.versions.all()]
            assert versions == [json.dumps(made.definition)] * 2

        put_back()

    @pytest.mark.parametrize("number", [12.0, -0.0, 0.5, 10**15 + 0.5, -3])
    def test_changes_no_number_however_it_was_spelled(self, api, income, rent, number):
        percent = number if 0 <= number <= 100 else 33.330
        share = action("percentage", income.id, rent.id, percentage_value=percent, percentage_target="INCOMING_AMOUNT")
        made = write(api, rule(step(share, conditions=condition("DATE", "EQUALS", number)), trigger=manual(income.id)))
        told = api.get(f"/rules/{made.id}").json()["data"]

        assert api.put(f"/rules/{made.id}", body_of(told)).status_code == 200
        assert json.dumps(Rule.objects.get(id=made.id).definition) == json.dumps(made.definition)

    @pytest.mark.parametrize("name", ["Another name", "", None])
    def test_ignores_the_name_of_an_account(self, api, body, name):
        made = write(api, body)
        told = api.get(f"/rules/{made.id}").json()["data"]
        named = changed(body_of(told), "steps[0].actions[0].source.name", name)

        answered = api.put(f"/rules/{made.id}", named).json()["data"]

        assert answered["steps"] == told["steps"]
        assert "Another name" not in json.dumps(Rule.objects.get(id=made.id).definition)

    def test_heeds_the_type_of_an_account(self, api, body):
        made = write(api, body)
        wrong = changed(body, "steps[0].actions[0].source.type", "pod")

        assert error_of(api.put(f"/rules/{made.id}", wrong)) == (400, "invalid_request")

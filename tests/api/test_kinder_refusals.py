"""What somebody who was refused is told: everything that is wrong at once, and what was probably meant."""

import time

import pytest

from apikeys.viewsets import KeyedViewSet
from sequence.core.api.bodies import places_of
from sequence.core.api.fields import StrictSerializer, choose_from
from sequence.core.api.ids import new_id
from sequence.core.api.near_names import nearest_name
from sequence.urls import api as addresses
from tests.core.test_texts import subclasses
from tests.factories import PodFactory
from tests.rules.definitions import action, condition, on_funds, rule, step
from tests.rules.steps import ABSENT, changed

TRANSFER = ("amount_in_cents", "description", "destination_account_id", "source_account_id")
UNKNOWN = "There is no such field here."


def details(response, status: int = 400) -> dict[str, str]:
    """Return the messages by field; no field has two here."""
    assert response.status_code == status
    told = response.json()["error"]["details"]
    assert all(set(detail) == {"field", "code", "message"} for detail in told)
    assert len({detail["field"] for detail in told}) == len(told)
    return {detail["field"]: detail["message"] for detail in told}


class TestNearestName:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("amount", "amount_in_cents"),
            ("amountInCents", "amount_in_cents"),
            ("AmountInCents", "amount_in_cents"),
            ("amount-in-cents", "amount_in_cents"),
            ("AMOUNT_IN_CENTS", "amount_in_cents"),
            ("amount_cents", "amount_in_cents"),
            ("amuont_in_cents", "amount_in_cents"),
            ("amountincents", "amount_in_cents"),
            ("source", "source_account_id"),
            ("sourceAccount", "source_account_id"),
            ("destination", "destination_account_id"),
            ("desc", "description"),
            ("memo", None),
            ("colour", None),
            ("", None),
            ("_", None),
            ("ÄÖ", None),
            ("a" * 10_000, None),
        ],
    )
    def test_is_what_was_meant(self, name, meant):
        assert nearest_name(name, TRANSFER) == meant

    def test_is_the_shortest_of_several_that_begin_so(self):
        assert nearest_name("account", ["account_role", "account_id", "first"]) == "account_id"


class TestUnknownField:
    def test_is_told_with_all_else_that_is_wrong(self, api):
        body = {"amount": 5000, "source_account_id": 7, "destination_account_id": "acc_1", "memo": "x"}

        assert details(api.post("/transfers", body)) == {
            "source_account_id": "Give an id.",
            "amount_in_cents": "This field is required.",
            "amount": f"{UNKNOWN} Did you mean amount_in_cents?",
            "memo": UNKNOWN,
        }

    def test_is_told_with_what_is_wrong_with_the_whole(self, api):
        body = {"source_account_id": "acc_1", "destination_account_id": "acc_1", "amount_in_cents": 100, "memo": "x"}

        assert details(api.post("/transfers", body)) == {
            "destination_account_id": "This is the source. Name another account.",
            "memo": UNKNOWN,
        }

    def test_is_told_where_nothing_else_was_given(self, api, acme):
        pod = PodFactory(organization=acme)

        assert details(api.patch(f"/accounts/{pod.id}", {"name": "Rent"})) == {
            "": "Give at least 1 of nickname, icon, description.",
            "name": f"{UNKNOWN} Did you mean nickname?",
        }

    def test_comes_after_what_is_wrong_so_that_it_hides_nothing(self, api):
        response = api.post("/accounts/pods", {f"f{number}": 1 for number in range(15_000)})

        told = response.json()["error"]["details"]
        assert (told[0]["field"], told[0]["code"], len(told)) == ("nickname", "required", 100)
        assert told[-1] == {"field": "", "code": "more", "message": "And 14,902 more."}

    def test_of_the_address_is_told_with_what_is_wrong_with_the_body(self, api):
        assert details(api.post("/accounts/pods?dry_run=1", {"nickname": 5})) == {
            "dry_run": UNKNOWN,
            "nickname": "Give a text.",
        }

    def test_costs_little_however_near_the_names_are(self, api, acme):
        """Each of these is compared with the known ones only if an answer has room to tell it."""
        near = {f"amount_in_centz{number}": 1 for number in range(90)}
        pod = PodFactory(organization=acme)
        body = rule(step(*[action("fixed_amount", pod.id, pod.id, amount_in_cents=100, **near)] * 50))
        body["steps"] *= 8
        began = time.process_time()

        response = api.post("/rules", body)

        assert response.status_code == 400
        assert time.process_time() - began < 2


class TestUnknownParameter:
    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("Type=pod", {"Type": f"{UNKNOWN} Did you mean type?"}),
            (
                "colour=red&type=POD&first=0",
                {
                    "type": "Give one of income_source, pod, external_account.",
                    "first": "Give a whole number from 1 to 100.",
                    "colour": UNKNOWN,
                },
            ),
            (
                "first=1&first=2&limit=5&type=pod",
                {
                    "limit": UNKNOWN,
                    "first": "This parameter is given more than once.",
                },
            ),
            ("colour=1&colour=2", {"colour": "This parameter is given more than once."}),
        ],
    )
    def test_is_told_with_all_else_that_is_wrong(self, api, query, told):
        assert details(api.get(f"/accounts?{query}")) == told

    def test_that_is_near_a_required_one_says_so(self, api):
        assert details(api.get("/transfers?account=acc_1")) == {
            "account_id": "This field is required.",
            "account": f"{UNKNOWN} Did you mean account_id?",
        }

    def test_of_the_document_is_told_too(self, api):
        assert details(api.get("/schema?formt=xml&format=xml")) == {
            "format": "Give one of json, yaml.",
            "formt": f"{UNKNOWN} Did you mean format?",
        }


class TestUnknownFieldOfARule:
    @pytest.fixture
    def body(self, acme):
        pod, other = PodFactory.create_batch(2, organization=acme)
        limit = {"period": "PER_WEEK", "amount_in_cents": 100}
        move = action("fixed_amount", pod.id, other.id, amount_in_cents=100, limit=limit)
        tree = {"all": [condition("BALANCE", "EQUALS", 1), {"any": [condition("DATE", "EQUALS", 1)]}]}
        return rule(step(move, conditions=tree), trigger=on_funds(pod.id))

    A0, LEAF = "steps[0].actions[0]", "steps[0].conditions.all[0].condition"

    @pytest.mark.parametrize(
        ("place", "name", "meant"),
        [
            ("", "step", "steps"),
            ("trigger", "accountId", "account_id"),
            ("steps[0]", "action", "actions"),
            ("steps[0].conditions", "alll", "all"),
            ("steps[0].conditions.all[1]", "an", "any"),
            (LEAF, "valueFact", "value_fact"),
            (f"{LEAF}.params", "account", "account_id"),
            (A0, "amount", "amount_in_cents"),
            (f"{A0}.limit", "amount", "amount_in_cents"),
            (f"{A0}.source", "types", "type"),
        ],
    )
    def test_is_told_wherever_it_stands_with_what_was_meant(self, api, body, place, name, meant):
        body = changed(body, f"{self.LEAF}.params", {"account_id": None})
        field = f"{place}.{name}" if place else name

        assert details(api.post("/rules", changed(body, field, 1))) == {field: f"{UNKNOWN} Did you mean {meant}?"}

    @pytest.mark.parametrize(
        ("place", "name", "beside", "value"),
        [
            ("", "x", "nickname", 5),
            ("", "x", f"{A0}.amount_in_cents", ABSENT),
            ("trigger", "x", "trigger.account_id", 5),
            ("steps[0]", "x", f"{A0}.amount_in_cents", 1),
            ("steps[0].conditions", "x", f"{LEAF}.fact", "WEATHER"),
            ("steps[0].conditions.all[1]", "x", "steps[0].conditions.all[1].any", []),
            (LEAF, "x", f"{LEAF}.operator", ABSENT),
            (A0, "x", f"{A0}.limit.period", "PER_DAY"),
            (A0, "x", f"{A0}.type", "gift"),
            ("trigger", "x", "trigger.type", "WHENEVER"),
            (f"{A0}.limit", "x", f"{A0}.limit.amount_in_cents", -1),
            (f"{A0}.source", "x", f"{A0}.source.id", 5),
        ],
    )
    def test_hides_nothing_else(self, api, body, place, name, beside, value):
        field = f"{place}.{name}" if place else name

        told = details(api.post("/rules", changed(changed(body, field, 1), beside, value)))

        assert set(told) == {field, beside}


class TestValueThatIsNoneOfAnEnumeration:
    @pytest.mark.parametrize(
        ("path", "field", "values"),
        [
            ("/accounts?type=x", "type", "income_source, pod, external_account"),
            ("/transfers?account_id=a&account_role=x", "account_role", "source, destination, either"),
            ("/transfers?account_id=a&direction=x", "direction", "money_in, money_out, internal"),
            ("/cards?account_id=a&type=x", "type", "virtual, physical"),
            ("/rule-executions?rule_id=a&mode=x", "mode", "live, simulation, all"),
        ],
    )
    def test_of_a_query_is_told_those_that_are(self, api, path, field, values):
        assert details(api.get(path)) == {field: f"Give one of {values}."}

    def test_is_told_those_that_are_by_every_body_and_query(self):
        """However deep: what a serializer holds is a StrictSerializer, or a list of one."""
        fields = [
            (f"{serializer.__module__}.{serializer.__name__}.{name}", part)
            for serializer in subclasses(StrictSerializer)
            for name, field in serializer().fields.items()
            for part in (field, getattr(field, "child", None))
            if hasattr(part, "choices")
        ]

        assert len(fields) > 15
        silent = [
            name for name, field in fields if field.error_messages["invalid_choice"] != choose_from(field.choices)
        ]
        assert silent == []


class TestSomethingThatIsNotThere:
    def test_is_named_in_the_body_wherever_it_stands(self):
        body = {
            "a_id": "acc_1",
            "nickname": "acc_1",
            "steps": [{"source": {"id": "acc_1"}}, {"paid": "acc_1", "id": 7}],
        }

        assert list(places_of(["acc_1"], body)) == ["a_id", "steps[0].source.id"]

    def test_that_the_address_names_is_told_of_without_a_field(self, api):
        missing = new_id("acc")

        error = api.patch(f"/accounts/{missing}", {"nickname": missing}).json()["error"]
        assert error == {"code": "not_found", "message": "Account not found."}


class TestEveryEndpoint:
    def test_reads_bodies_and_queries_that_refuse_in_this_way(self):
        views = {address.callback.cls for address in addresses if hasattr(address.callback, "cls")}
        operations = [
            method.operation for view in views for method in vars(view).values() if hasattr(method, "operation")
        ]

        assert all(issubclass(view, KeyedViewSet) for view in views)
        assert len(operations) > 20
        for operation in operations:
            for reader in (operation.body, operation.query):
                assert issubclass(reader, StrictSerializer)
                assert reader.run_validation is StrictSerializer.run_validation

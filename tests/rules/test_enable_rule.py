"""Enabling and disabling, by what a person's page and the commands call, and what it means for accounts."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from apikeys.entries import parse_permissions
from apikeys.services import create_api_key, edit_api_key, rotate_api_key
from rules.errors import RuleConflict, RuleNotEnablable
from rules.models import Rule
from rules.services import enable_rule
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.factories import PodFactory
from tests.rules.definitions import action, condition, manual, on_funds, rule, scheduled, step
from tests.rules.steps import disable, enable, move, write, write_enabled
from tests.transfers.steps import error_of

UNKNOWN = "rule_01K00000000000000000000000"


def command(name, *args):
    """Return what the command prints as JSON."""
    out = io.StringIO()
    call_command(name, *args, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def made(api, income, rent):
    return write(api, rule(step(move(income, rent, 1_00)), trigger=on_funds(income.id), nickname="First"))


@pytest.fixture
def second(api, income, savings):
    """Another rule that waits for the same funds."""
    return write(api, rule(step(move(income, savings, 1_00)), trigger=on_funds(income.id), nickname="Second"))


class TestEnableRule:
    def test_records_who_when_and_which_version(self, made):
        enabled = enable_rule(rule_id=made.id, version=made.version, by="staff:ada")

        made.refresh_from_db()
        assert (made.status, made.enabled_by, made.enabled_version) == ("enabled", "staff:ada", 1)
        assert made.enabled_at == made.updated_at == enabled.enabled_at

    def test_of_an_enabled_rule_changes_nothing(self, made):
        at = enable(made).enabled_at
        enable_rule(rule_id=made.id, version=made.version, by="staff:bob")

        made.refresh_from_db()
        assert (made.enabled_at, made.enabled_by) == (at, "staff:ada")

    def test_refuses_a_second_rule_for_the_same_funds(self, made, second):
        enable(made)

        with pytest.raises(RuleConflict, match=r"Payroll already has an enabled rule .* First\."):
            enable(second)
        second.refresh_from_db()
        assert second.status == "disabled"

    def test_takes_it_once_the_first_is_disabled(self, made, second):
        enable(made)
        disable(made)

        assert enable(second).status == "enabled"

    def test_takes_many_rules_of_other_triggers_on_one_account(self, api, made, income, rent):
        enable(made)
        for _ in range(2):
            write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id)))

        assert Rule.objects.enabled().count() == 3

    def test_cannot_be_got_around_in_the_database(self, made, second):
        enable(made)

        with pytest.raises(IntegrityError, match="rule_one_enabled_for_arriving_funds"), transaction.atomic():
            Rule.objects.filter(id=second.id).update(
                status="enabled", enabled_at=made.enabled_at, enabled_by="nobody asked", enabled_version=1
            )
        with pytest.raises(IntegrityError, match="rule_enabled_by_somebody"), transaction.atomic():
            Rule.objects.filter(id=second.id).update(status="enabled", enabled_version=1, trigger_type="MANUAL")

    def test_refuses_a_rule_with_an_account_that_is_gone(self, made, rent):
        rent.delete_softly()

        with pytest.raises(RuleNotEnablable, match="gone"):
            enable(made)
        made.refresh_from_db()
        assert made.status == "disabled"

    def test_refuses_a_schedule_that_is_over(self, api, income, rent):
        over = write(api, rule(step(move(income, rent, 1_00)), trigger=scheduled("ONE_TIME", "2020-01-01")))

        with pytest.raises(RuleNotEnablable, match="past"):
            enable(over)


class TestFourEyes:
    """Whoever may hold the secret of the key that wrote a rule does not enable it."""

    @pytest.fixture
    def key(self, acme):
        return create_api_key(
            organization=acme, name="Agent", permissions=parse_permissions(ALL_PERMISSIONS), created_by="staff:ann"
        )

    @pytest.fixture
    def body(self, income, rent):
        return rule(step(move(income, rent, 1_00)), trigger=manual(income.id))

    def assert_refused(self, made, words, by):
        made.refresh_from_db()
        with pytest.raises(RuleNotEnablable, match=words):
            enable_rule(rule_id=made.id, version=made.version, by=by)
        made.refresh_from_db()
        assert made.status == "disabled"

    def test_is_refused_to_every_custodian_of_the_lineage(self, key, body):
        first, token = key
        made = write(Api(token), body)
        _, token = rotate_api_key(key_id=first.id, overlap=timedelta(hours=1), rotated_by="staff:bob")
        again = write(Api(token), body)
        edit_api_key(key_id=first.id, changes={"name": "Mine"}, changed_by="staff:cleo")

        for each in (made, again):
            self.assert_refused(each, "ann created the key that wrote this, so somebody else", by="staff:ann")
            self.assert_refused(each, "bob rotated the key", by="staff:bob")
            self.assert_refused(each, "cleo changed the key", by="staff:cleo")
            assert enable_rule(rule_id=each.id, version=each.version, by="staff:zoe").enabled_by == "staff:zoe"

    def test_looks_at_who_wrote_the_version_that_is_enabled(self, api, key, body):
        made = write(Api(key[1]), body)
        api.put(f"/rules/{made.id}", body)
        assert enable_rule(rule_id=made.id, version=2, by="staff:ann").status == "enabled"

        Api(key[1]).put(f"/rules/{made.id}", body)
        self.assert_refused(made, "ann created the key", by="staff:ann")

    def test_lets_whoever_made_another_key(self, acme, key, body):
        create_api_key(organization=acme, name="Other", permissions=[], created_by="staff:bob")

        assert enable_rule(rule_id=write(Api(key[1]), body).id, version=1, by="staff:bob").status == "enabled"


class TestCommands:
    def test_enable_and_disable_and_tell_the_rule(self, api, made):
        told = command("enable_rule", made.id, "--rule-version", "1")

        assert told["status"] == "enabled"
        assert told == api.get(f"/rules/{made.id}").json()["data"]
        made.refresh_from_db()
        assert made.enabled_by.startswith("command:enable_rule:")
        assert command("disable_rule", made.id)["status"] == "disabled"
        assert command("disable_rule", made.id)["status"] == "disabled"

    def test_enable_only_what_was_reviewed(self, api, made, income, savings):
        api.put(f"/rules/{made.id}", rule(step(move(income, savings, 1950_00)), trigger=manual(income.id)))

        with pytest.raises(CommandError, match="version 2 is there now, version 1 was read") as refused:
            command("enable_rule", made.id, "--rule-version", "1")
        assert refused.value.returncode == 1
        made.refresh_from_db()
        assert made.status == "disabled"
        assert command("enable_rule", made.id, "--yes-current")["status"] == "enabled"

    @pytest.mark.parametrize("how", [[], ["--rule-version", "1", "--yes-current"], ["--rule-version", "one"]])
    def test_need_to_be_told_which_version_was_reviewed(self, made, how):
        with pytest.raises(CommandError):
            command("enable_rule", made.id, *how)
        made.refresh_from_db()
        assert made.status == "disabled"

    def test_end_with_exit_code_1_and_the_reason_when_refused(self, made, second, rent):
        command("enable_rule", made.id, "--yes-current")

        with pytest.raises(CommandError, match="already has an enabled rule") as conflict:
            command("enable_rule", second.id, "--yes-current")
        assert conflict.value.returncode == 1
        for words in (["enable_rule", "--yes-current"], ["enable_rule", "--rule-version", "1"], ["disable_rule"]):
            for id in (UNKNOWN, "rule_1"):
                with pytest.raises(CommandError, match="Rule not found"):
                    command(words[0], id, *words[1:])

    def test_do_not_find_a_deleted_rule(self, api, made):
        api.delete(f"/rules/{made.id}")

        with pytest.raises(CommandError, match="Rule not found"):
            command("enable_rule", made.id, "--yes-current")


class TestDeleteAccount:
    """DELETE /accounts/{id} of an account that rules name."""

    @pytest.mark.parametrize("role", ["trigger", "source", "destination", "condition", "debt", "target"])
    def test_is_refused_while_an_enabled_rule_names_it_anywhere(self, api, income, acme, card, role):
        asked, other, third = (PodFactory(organization=acme) for _ in range(3))
        body = {
            "trigger": lambda: rule(step(move(other, third, 1_00)), trigger=manual(asked.id)),
            "source": lambda: rule(step(move(asked, third, 1_00)), trigger=manual(income.id)),
            "destination": lambda: rule(step(move(other, asked, 1_00)), trigger=manual(income.id)),
            "condition": lambda: rule(
                step(move(other, third, 1_00), conditions={"any": [condition("BALANCE", "EQUALS", 1, of=asked.id)]}),
                trigger=manual(income.id),
            ),
            "debt": lambda: rule(
                step(action("snowball", other.id, None, accounts=[{"id": card.id}], amount_in_cents=100)),
                trigger=manual(income.id),
            ),
            "target": lambda: rule(
                step(action("top_up", other.id, third.id, current_balance_account={"id": card.id})),
                trigger=manual(income.id),
            ),
        }[role]()
        named = card if role in ("debt", "target") else asked
        made = write(api, {**body, "nickname": "Mine"})
        enable(made)

        refused = api.delete(f"/accounts/{named.id}")

        assert error_of(refused) == (409, "account_in_use")
        assert f"Mine ({made.id})" in refused.json()["error"]["message"]
        named.refresh_from_db()
        assert named.deleted_at is None
        disable(made)
        assert api.delete(f"/accounts/{named.id}").status_code == 204

    def test_names_every_rule_that_uses_it(self, api, income, rent, savings):
        made = [write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=manual(income.id))) for _ in range(2)]

        message = api.delete(f"/accounts/{rent.id}").json()["error"]["message"]

        assert all(each.id in message for each in made)

    def test_is_not_hindered_by_somebody_elses_rule_or_a_deleted_one(self, api, rent, savings, income):
        made = write_enabled(api, rule(step(move(rent, savings, 1_00)), trigger=manual(income.id)))
        api.delete(f"/rules/{made.id}")

        assert api.delete(f"/accounts/{rent.id}").status_code == 204

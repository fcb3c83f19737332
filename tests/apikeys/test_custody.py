"""Who is a custodian of a key, from which deed on, and how the keys that were there before came by theirs."""

from datetime import timedelta

import pytest

from apikeys import services
from apikeys.custody import custodians_of
from apikeys.entries import parse_permissions
from sequence.core.audit import run_audited
from tests.staff import form_of, page_of, sign_in

HOUR = timedelta(hours=1)


def names(key) -> list[tuple[str, str]]:
    return list(custodians_of(key).values_list("actor", "how"))


@pytest.fixture
def key(acme):
    permissions = parse_permissions(["LIST_ACCOUNTS"])
    return services.create_api_key(organization=acme, name="Agent", permissions=permissions, created_by="staff:ann")[0]


class TestCustodians:
    def test_are_all_who_made_rotated_or_changed_a_key_of_the_lineage(self, key):
        services.set_permissions(
            key_id=key.id, permissions=parse_permissions(["LIST_RULES"]), changed_by="command:set_permissions:root"
        )
        second, _ = services.rotate_api_key(key_id=key.id, overlap=HOUR, rotated_by="staff:bob")
        services.edit_api_key(key_id=key.id, changes={"rate_limit_per_minute": 7}, changed_by="staff:cleo")
        third, _ = services.rotate_api_key(key_id=second.id, overlap=HOUR, rotated_by="staff:dan")

        everybody = [
            ("staff:ann", "created"),
            ("command:set_permissions:root", "changed"),
            ("staff:bob", "rotated"),
            ("staff:cleo", "changed"),
            ("staff:dan", "rotated"),
        ]
        assert [names(each) for each in (key, second, third)] == [everybody] * 3

    def test_are_told_by_what_they_did_first(self, key):
        since = custodians_of(key).get().since
        services.rotate_api_key(key_id=key.id, overlap=HOUR, rotated_by="staff:ann")

        assert custodians_of(key).values_list("actor", "how", "since").get() == ("staff:ann", "created", since)

    def test_are_not_those_who_close_it(self, key):
        run_audited(lambda: services.revoke_api_key(key_id=key.id), actor="staff:bob")

        assert names(key) == [("staff:ann", "created")]

    def test_are_undone_with_the_deed(self, key):
        services.revoke_api_key(key_id=key.id)
        with pytest.raises(services.ApiKeyNotUsable):
            services.rotate_api_key(key_id=key.id, overlap=HOUR, rotated_by="staff:bob")

        assert names(key) == [("staff:ann", "created")]


class TestThePageOfAKey:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "Mine"),
            ("rate_limit_per_minute", "1000"),
            ("expires_at_0", "2999-01-01"),
            ("entries-0-scope", "LIST_RULES"),
        ],
    )
    def test_makes_whoever_edits_anything_a_custodian(self, key, field, value):
        staff = sign_in(
            *(f"apikeys.{verb}_{model}" for verb in ("view", "change") for model in ("apikey", "permissionentry")),
            name="bob",
        )
        time = {"expires_at_1": "12:00"} if field == "expires_at_0" else {}
        staff.post(page_of(key), form_of(staff.get(page_of(key))) | {field: value} | time)

        assert names(key) == [("staff:ann", "created"), ("staff:bob", "changed")]
        assert "staff:bob, who changed it on" in staff.get(page_of(key)).content.decode()

    def test_makes_nobody_one_who_changes_nothing(self, key):
        staff = sign_in("apikeys.view_apikey", "apikeys.change_apikey", name="bob")
        staff.post(page_of(key), form_of(staff.get(page_of(key))))

        assert names(key) == [("staff:ann", "created")]

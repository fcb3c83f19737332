"""Permissions and their spelling on the command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apikeys.entries import Permission, parse_permissions
from apikeys.errors import InvalidPermission
from apikeys.scopes import ResourceKind, Scope
from sequence.core.money import MAX_CENTS

_tail = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZabc", min_size=1, max_size=40)
_accounts = st.builds("acc_{}".format, _tail)
_ids = {ResourceKind.ACCOUNT: _accounts, ResourceKind.RULE: st.builds("rule_{}".format, _tail)}
_cap = st.none() | st.integers(1, MAX_CENTS)


def _of(scope: Scope):
    kind = scope.resource_kind
    if kind is ResourceKind.NONE:
        return st.just(Permission(scope=scope))
    if kind is ResourceKind.ACCOUNT_PAIR:
        return st.builds(
            Permission,
            scope=st.just(scope),
            source=st.just("*") | _accounts,
            target=st.just("*") | _accounts,
            max_amount=_cap,
            max_amount_per_day=_cap,
            max_amount_per_week=_cap,
            max_amount_per_month=_cap,
            max_count_per_day=_cap,
            max_count_per_week=_cap,
            max_count_per_month=_cap,
            approval_above=st.none() | st.integers(0, MAX_CENTS),
            requires_reason=st.booleans(),
        )
    resources = st.just(("*",)) | st.lists(_ids[kind], min_size=1, max_size=5).map(tuple)
    return st.builds(Permission, scope=st.just(scope), resources=resources)


any_permission = st.sampled_from(Scope).flatmap(_of)


class TestSpelling:
    @given(st.lists(any_permission, max_size=5))
    def test_is_read_back_as_it_was_written(self, permissions):
        assert parse_permissions([permission.as_text() for permission in permissions]) == permissions

    @given(st.text(max_size=60) | st.builds("{}:{}".format, st.sampled_from(Scope.values), st.text(max_size=60)))
    def test_is_refused_in_words_or_means_something(self, text):
        try:
            permissions = parse_permissions([text])
        except InvalidPermission:
            return
        assert parse_permissions([permission.as_text() for permission in permissions]) == permissions

    def test_of_the_contract_is_understood(self):
        text = "MANUAL_TRANSFER:acc_1>acc_2@50000;month=200000;approval=20000,*>acc_3"

        assert parse_permissions([text]) == [
            Permission(
                scope=Scope.MANUAL_TRANSFER,
                source="acc_1",
                target="acc_2",
                max_amount=50000,
                max_amount_per_month=200000,
                approval_above=20000,
            ),
            Permission(scope=Scope.MANUAL_TRANSFER, source="*", target="acc_3"),
        ]

    def test_takes_white_space_around_ids(self):
        assert parse_permissions(["READ_ACCOUNTS: acc_1 , acc_2"]) == [
            Permission(scope=Scope.READ_ACCOUNTS, resources=("acc_1", "acc_2"))
        ]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "There is no scope ''."),
            ("READ", "There is no scope 'READ'. The scopes are LIST_ACCOUNTS, READ_ACCOUNTS,"),
            ("list_accounts", "There is no scope 'list_accounts'."),
            ("LIST_ACCOUNTS:*", "LIST_ACCOUNTS takes no resources."),
            ("LIST_ACCOUNTS:", "LIST_ACCOUNTS takes no resources."),
            ("READ_ACCOUNTS", "READ_ACCOUNTS needs resources: account ids, or *."),
            ("READ_RULES", "READ_RULES needs resources: rule ids, or *."),
            ("READ_ACCOUNTS:", "READ_ACCOUNTS: '' is no id. It looks like acc_01H…, or is * for all."),
            ("READ_ACCOUNTS:rule_1", "READ_ACCOUNTS: 'rule_1' is no id. It looks like acc_01H…, or is * for all."),
            ("READ_RULES:acc_1", "READ_RULES: 'acc_1' is no id. It looks like rule_01H…, or is * for all."),
            ("READ_ACCOUNTS:acc_1,*", "READ_ACCOUNTS: * already means every account; name it alone."),
            ("MANUAL_TRANSFER", "MANUAL_TRANSFER needs pairs such as acc_1>acc_2@50000;month=200000, or *>*."),
            ("MANUAL_TRANSFER:acc_1", "'acc_1' is no pair. Write source>target[@max_amount][;day=…][;approval=…]."),
            ("MANUAL_TRANSFER:*", "'*' is no pair."),
            ("MANUAL_TRANSFER:>acc_1", "MANUAL_TRANSFER takes a source and a target, each an account id or *."),
            ("MANUAL_TRANSFER:acc_1>", "MANUAL_TRANSFER takes a source and a target, each an account id or *."),
            ("MANUAL_TRANSFER:acc_1>acc_2>acc_3", "'acc_2>acc_3' is no id."),
            ("MANUAL_TRANSFER:*>*@", "'' in '*>*@' is no whole number."),
            ("MANUAL_TRANSFER:*>*@-5", "'-5' in '*>*@-5' is no whole number."),
            ("MANUAL_TRANSFER:*>*@1.5", "'1.5' in '*>*@1.5' is no whole number."),
            ("MANUAL_TRANSFER:*>*@１", "is no whole number."),
            ("MANUAL_TRANSFER:*>*@0", "max_amount is a whole number of cents from 1 to 9007199254740991, not 0."),
            ("MANUAL_TRANSFER:*>*;day=0", "max_amount_per_day is a whole number of cents from 1 to"),
            (
                "MANUAL_TRANSFER:*>*;approval=9007199254740992",
                "approval_above is a whole number of cents from 0 to 9007199254740991, not 9007199254740992.",
            ),
            ("MANUAL_TRANSFER:*>*;year=5", "'year=5' in '*>*;year=5' is no limit, or stands twice. Use day, week,"),
            ("MANUAL_TRANSFER:*>*;day=5;day=6", "'day=6' in '*>*;day=5;day=6' is no limit, or stands twice."),
            ("MANUAL_TRANSFER:*>*;", "'' in '*>*;' is no limit, or stands twice."),
        ],
    )
    def test_is_refused_with_the_reason(self, text, message):
        with pytest.raises(InvalidPermission) as refusal:
            parse_permissions([text])

        assert message in refusal.value.text


class TestPermission:
    @pytest.mark.parametrize(
        "fields",
        [
            {"scope": Scope.LIST_ACCOUNTS, "source": "*"},
            {"scope": Scope.READ_ACCOUNTS, "resources": ("*",), "max_amount": 5},
            {"scope": Scope.READ_ACCOUNTS, "resources": ("*",), "approval_above": 0},
            {"scope": Scope.MANUAL_TRANSFER, "source": "*", "target": "*", "resources": ("*",)},
        ],
    )
    def test_cannot_hold_what_belongs_to_another_scope(self, fields):
        with pytest.raises(InvalidPermission):
            Permission(**fields)

    def test_matches_its_pair_alone(self):
        [permission] = parse_permissions(["MANUAL_TRANSFER:acc_1>acc_2"])
        [from_anywhere] = parse_permissions(["MANUAL_TRANSFER:*>acc_2"])

        assert permission.matches_pair("acc_1", "acc_2")
        assert not permission.matches_pair("acc_2", "acc_1")
        assert from_anywhere.matches_pair("acc_9", "acc_2")
        assert not from_anywhere.matches_pair("acc_9", "acc_3")

    @pytest.mark.parametrize(
        ("text", "resources"),
        [
            ("LIST_RULES", None),
            ("READ_RULES:*", "*"),
            ("READ_CARDS:acc_1,acc_2", ["acc_1", "acc_2"]),
            (
                "MANUAL_TRANSFER:acc_1>*@5;day=6;week=7;month=8;approval=0",
                [
                    {
                        "source": "acc_1",
                        "target": "*",
                        "max_amount": 5,
                        "max_amount_per_day": 6,
                        "max_amount_per_week": 7,
                        "max_amount_per_month": 8,
                        "approval_above": 0,
                    }
                ],
            ),
        ],
    )
    def test_is_told_as_json(self, text, resources):
        [permission] = parse_permissions([text])

        assert permission.as_json() == {"scope": text.partition(":")[0], "resources": resources}


class TestTriggerLimits:
    def test_are_spelled_behind_the_rules(self):
        [entry] = parse_permissions(["TRIGGER_RULES:rule_1,rule_2;execute=5000;count_day=3;count_month=20"])

        assert (entry.resources, entry.max_execute_amount) == (("rule_1", "rule_2"), 5000)
        assert (entry.max_count_per_day, entry.max_count_per_week, entry.max_count_per_month) == (3, None, 20)
        assert entry.as_text() == "TRIGGER_RULES:rule_1,rule_2;execute=5000;count_day=3;count_month=20"
        assert entry.as_json() == {
            "scope": "TRIGGER_RULES",
            "resources": ["rule_1", "rule_2"],
            "max_execute_amount": 5000,
            "max_count_per_day": 3,
            "max_count_per_month": 20,
        }

    @pytest.mark.parametrize(
        "text",
        [
            "TRIGGER_RULES:rule_1;day=3",
            "TRIGGER_RULES:rule_1;count_day=0",
            "TRIGGER_RULES:rule_1;count_day=3;count_day=4",
            "TRIGGER_RULES:rule_1;execute=-1",
            "TRIGGER_RULES:rule_1;execute=1,rule_2",
            "READ_RULES:rule_1;count_day=3",
            "MANUAL_TRANSFER:*>*;execute=3",
        ],
    )
    def test_are_refused_where_they_make_no_sense(self, text):
        with pytest.raises(InvalidPermission):
            parse_permissions([text])

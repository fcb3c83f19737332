"""``POST /accounts/pods``"""

import pytest

from accounts.models import Account

PATH = "/accounts/pods"


class TestCreatePod:
    def test_answers_with_an_empty_pod(self, api):
        response = api.post(
            PATH,
            {"nickname": "Rent", "icon": "house", "description": "Due\non the 1st", "savings_target_in_cents": 1200_00},
        )

        account = response.json()["data"]
        assert response.status_code == 201
        assert account["balance"]["balance_in_cents"] == account["balance"]["available_balance_in_cents"] == 0
        expected = {
            "name": "Rent",
            "type": "pod",
            "description": "Due\non the 1st",
            "external_account_type": None,
            "beneficiary_name": "Acme Trading LLC",
            "institution_name": None,
            "can_be_source": True,
            "can_be_destination": True,
            "routing_number": None,
            "bank_account_number": None,
        }
        assert {name: account[name] for name in expected} == expected
        assert api.get(f"/accounts/{account['id']}").json()["data"] == account

    def test_keeps_icon_and_target_for_the_admin(self, api):
        api.post(PATH, {"nickname": "Rent", "icon": "house", "savings_target_in_cents": 1200_00})

        pod = Account.objects.get()
        assert (pod.icon, pod.savings_target_cents) == ("house", 1200_00)

    def test_takes_null_for_optional_fields_as_absent(self, api):
        response = api.post(
            PATH, {"nickname": "Rent", "icon": None, "description": None, "savings_target_in_cents": None}
        )

        pod = Account.objects.get()
        assert response.status_code == 201
        assert (pod.icon, pod.description, pod.savings_target_cents) == (None, None, None)

    def test_lets_two_accounts_share_a_nickname(self, api):
        for _ in range(2):
            assert api.post(PATH, {"nickname": "Rent"}).status_code == 201

        assert Account.objects.count() == 2

    def test_takes_an_empty_description_as_none(self, api):
        assert api.post(PATH, {"nickname": "Rent", "description": "  "}).json()["data"]["description"] is None

    @pytest.mark.parametrize("cents", [0, 1, 2**31, 2**53 - 1])
    def test_takes_a_target_of(self, api, cents):
        assert api.post(PATH, {"nickname": "Rent", "savings_target_in_cents": cents}).status_code == 201
        assert Account.objects.get().savings_target_cents == cents

    @pytest.mark.parametrize(
        ("cents", "code"),
        [
            ("1000", "invalid"),
            ("1_000", "invalid"),
            ("", "invalid"),
            ("１００", "invalid"),
            (1000.0, "invalid"),
            (0.1, "invalid"),
            (True, "invalid"),
            (False, "invalid"),
            ([], "invalid"),
            ([1000], "invalid"),
            ({}, "invalid"),
            (-1, "min_value"),
            (2**53, "max_value"),
            (2**63, "max_value"),
            (10**100, "max_value"),
        ],
    )
    def test_refuses_a_target_of(self, api, cents, code):
        response = api.post(PATH, {"nickname": "Rent", "savings_target_in_cents": cents})

        assert response.status_code == 400
        [detail] = response.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == ("savings_target_in_cents", code)
        assert not Account.objects.exists()

    @pytest.mark.parametrize("digits", ["1e3", "1E3", "1.0", "-0.0", "1e-2"])
    def test_refuses_a_target_that_is_written_as_a_float(self, api, digits):
        response = api.post(PATH, raw=f'{{"nickname": "Rent", "savings_target_in_cents": {digits}}}'.encode())

        assert response.status_code == 400
        assert not Account.objects.exists()


class TestTexts:
    """Nickname, icon and description: the rules are the same wherever they are sent."""

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("Rent", "Rent"),
            ("  Rent\t\n", "Rent"),
            ("\u00a0\u3000Rent\u2003", "Rent"),
            ("x" * 100, "x" * 100),
            ("  " + "x" * 100 + "  ", "x" * 100),
            ("😀" * 100, "😀" * 100),
            ("é", "é"),
            ("e\u0301", "e\u0301"),
            ("👨‍👩‍👧", "👨‍👩‍👧"),
            ("مصروف", "مصروف"),
            ("<b>'; DROP TABLE--", "<b>'; DROP TABLE--"),
            ("0", "0"),
        ],
    )
    def test_nickname_is_trimmed_and_kept(self, api, given, kept):
        response = api.post(PATH, {"nickname": given})

        assert response.status_code == 201
        assert response.json()["data"]["name"] == kept == Account.objects.get().name

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ("", "blank"),
            ("   ", "blank"),
            ("\u3000", "blank"),
            ("x" * 101, "max_length"),
            ("😀" * 101, "max_length"),
            ("a\nb", "control_character"),
            ("a\tb", "control_character"),
            ("a\x7fb", "control_character"),
            ("a\x1bb", "control_character"),
            ("a\x85b", "control_character"),
            ("a\x9fb", "control_character"),
            (None, "null"),
            (5, "invalid"),
            (5.5, "invalid"),
            (True, "invalid"),
            (["Rent"], "invalid"),
            ({"nickname": "Rent"}, "invalid"),
        ],
    )
    def test_nickname_is_refused(self, api, given, code):
        response = api.post(PATH, {"nickname": given})

        assert response.status_code == 400
        [detail] = response.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == ("nickname", code)
        assert not Account.objects.exists()

    @pytest.mark.parametrize("icon", ["a", "x" * 50, "😀" * 50])
    def test_icon_is_kept(self, api, icon):
        assert api.post(PATH, {"nickname": "Rent", "icon": f" {icon} "}).status_code == 201
        assert Account.objects.get().icon == icon

    @pytest.mark.parametrize(
        ("icon", "code"),
        [("", "blank"), ("x" * 51, "max_length"), ("a\nb", "control_character"), (5, "invalid"), (True, "invalid")],
    )
    def test_icon_is_refused(self, api, icon, code):
        response = api.post(PATH, {"nickname": "Rent", "icon": icon})

        assert response.status_code == 400
        [detail] = response.json()["error"]["details"]
        assert (detail["field"], detail["code"]) == ("icon", code)
        assert not Account.objects.exists()

    @pytest.mark.parametrize(
        ("description", "code"),
        [("x" * 501, "max_length"), ("a\x00b", None), ("a\x07b", "control_character"), (5, "invalid")],
    )
    def test_description_is_refused(self, api, description, code):
        response = api.post(PATH, {"nickname": "Rent", "description": description})

        assert response.status_code == 400
        assert code is None or response.json()["error"]["details"][0]["code"] == code
        assert not Account.objects.exists()

    def test_description_may_have_lines_and_500_characters(self, api):
        text = "a\n\tb" + "x" * 496

        assert api.post(PATH, {"nickname": "Rent", "description": text}).json()["data"]["description"] == text

"""``DELETE /accounts/{id}``"""

import pytest

from accounts.errors import AccountInUse, AccountNotEmpty
from accounts.models import Account
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory


@pytest.fixture
def objection(monkeypatch):
    """Let an app above object to the deletion of an account, as long as the test runs."""

    def object_with(error: Exception) -> None:
        def guard(account):
            Account.objects.filter(id=account.id).update(name="Touched by a guard")
            raise error

        monkeypatch.setattr("sequence.wiring.ACCOUNT_DELETION_GUARDS", [guard])

    return object_with


class TestDeleteAccount:
    @pytest.mark.parametrize("factory", [PodFactory, IncomeSourceFactory, ExternalAccountFactory])
    def test_takes_an_account_of_every_type_out_of_every_answer(self, api, acme, factory):
        account = factory(organization=acme)

        response = api.delete(f"/accounts/{account.id}")

        assert (response.status_code, response.content) == (204, b"")
        assert api.get("/accounts").json()["data"] == []
        for again in [
            api.get(f"/accounts/{account.id}"),
            api.patch(f"/accounts/{account.id}", {"nickname": "Back"}),
            api.delete(f"/accounts/{account.id}"),
        ]:
            assert again.status_code == 404
            assert again.json()["error"] == {"code": "not_found", "message": "Account not found."}

    def test_keeps_the_row_with_its_last_name(self, api, acme):
        pod = PodFactory(organization=acme, name="Rent")

        api.delete(f"/accounts/{pod.id}")

        pod.refresh_from_db()
        assert pod.name == "Rent"
        assert pod.deleted_at is not None

    @pytest.mark.parametrize("factory", [PodFactory, IncomeSourceFactory])
    def test_refuses_while_there_is_money_in_it(self, api, acme, factory):
        account = factory(organization=acme, name="Rent", balance_cents=1)

        response = api.delete(f"/accounts/{account.id}")

        assert response.status_code == 409
        assert response.json()["error"] == {
            "code": "account_not_empty",
            "message": "Rent still has a balance of 1 cents. Move the money to another account, then delete this one.",
        }
        account.refresh_from_db()
        assert account.deleted_at is None

    def test_lets_an_external_account_go_whatever_its_institution_holds(self, api, acme):
        for balance in [500, -500, None]:
            account = ExternalAccountFactory(organization=acme, balance_cents=balance)

            assert api.delete(f"/accounts/{account.id}").status_code == 204

    @pytest.mark.parametrize(
        ("error", "code", "message"),
        [
            (
                AccountInUse(name="Rent", users="the rules A and B"),
                "account_in_use",
                "Rent is used by the rules A and B. Disable or change that first, then delete the account.",
            ),
            (
                AccountNotEmpty(name="Rent", what="a transfer under way", advice="Wait until it is done."),
                "account_not_empty",
                "Rent still has a transfer under way. Wait until it is done.",
            ),
        ],
    )
    def test_refuses_when_an_app_above_objects(self, api, acme, objection, error, code, message):
        pod = PodFactory(organization=acme, name="Rent")
        objection(error)

        response = api.delete(f"/accounts/{pod.id}")

        assert response.status_code == 409
        assert response.json()["error"] == {"code": code, "message": message}
        pod.refresh_from_db()
        assert (pod.name, pod.deleted_at) == ("Rent", None)

    def test_stays_undone_when_an_app_above_breaks(self, api, acme, objection):
        pod = PodFactory(organization=acme, name="Rent")
        objection(RuntimeError("broken"))

        assert api.delete(f"/accounts/{pod.id}").status_code == 500

        pod.refresh_from_db()
        assert (pod.name, pod.deleted_at) == ("Rent", None)

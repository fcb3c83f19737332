"""Transfers in the vendor's dialect, simulated ones too."""

from uuid import uuid4

import pytest

from apikeys.models import SpendCounter
from sequence.core.worker import run_once
from tests.platform.client import plain
from tests.platform.steps import pay, refusal
from tests.transfers.steps import balances, fund
from transfers.models import EntrySet, SimulatedTransfer, Transfer


class TestCreateTransfer:
    def test_moves_money_as_the_own_api_does(self, api, platform, income, rent):
        response = pay(platform, income, rent, 2500, description="Rent May")

        shown = response.json()["data"]
        assert response.status_code == 201
        assert (shown["status"], shown["origin"], shown["direction"]) == ("PROCESSING", "USER", "INTERNAL")
        assert (shown["executionMode"], shown["description"], shown["addenda"]) == ("LIVE", "Rent May", None)
        assert shown["source"] == {
            "id": plain(income.id),
            "name": "Payroll",
            "type": "INCOME_SOURCE",
            "isDeleted": False,
        }
        run_once()
        assert platform.data(f"/transfers/{shown['id']}")["status"] == "COMPLETE"
        assert balances(income, rent) == [75_00, 25_00]
        assert plain(api.get(f"/transfers?account_id={rent.id}").json()["data"][0]["id"]) == shown["id"]

    @pytest.mark.parametrize("more", [{"simulate": True}, {"amount_in_cents": 500}, {"dryRun": True}])
    def test_refuses_unknown_fields(self, platform, income, rent, more):
        response = pay(platform, income, rent, 2500, **more)

        assert refusal(response) == (400, "INVALID_PARAMETERS")
        assert not Transfer.objects.filter(origin="user").exists()

    def test_names_the_end_that_is_missing(self, platform, income, rent):
        for source, destination, code in [
            (str(uuid4()), plain(rent.id), "TRANSFER_SOURCE_NOT_FOUND"),
            ("nonsense", plain(rent.id), "TRANSFER_SOURCE_NOT_FOUND"),
            (plain(income.id), "nonsense", "TRANSFER_DESTINATION_NOT_FOUND"),
            ("nonsense", str(uuid4()), "TRANSFER_SOURCE_NOT_FOUND"),
        ]:
            body = {"sourceAccountId": source, "destinationAccountId": destination, "amountInCents": 500}
            assert refusal(platform.post("/transfers", body)) == (400, code)

    def test_keeps_a_missing_account_under_its_key(self, platform, rent):
        body = {"sourceAccountId": str(uuid4()), "destinationAccountId": plain(rent.id), "amountInCents": 500}

        first, second = (platform.post("/transfers", body, idempotency_key="k") for _ in range(2))

        assert first.content == second.content
        assert "Idempotent-Replayed" in second.headers

    def test_refuses_beyond_the_cap(self, platform_with, income, rent):
        client = platform_with(f"MANUAL_TRANSFER:{income.id}>{rent.id}@1000")

        response = pay(client, income, rent, 1001)
        assert refusal(response) == (403, "MAXIMUM_AMOUNT_EXCEEDED")
        assert f"from {plain(income.id)} to" in response.json()["error"]["message"]
        assert refusal(pay(client, rent, income, 500)) == (403, "ACCESS_DENIED")

    @pytest.mark.parametrize("cents", [99, "500", 500.5, None])
    def test_refuses_amounts_that_are_none(self, platform, income, rent, cents):
        assert refusal(pay(platform, income, rent, cents)) == (400, "INVALID_PARAMETERS")

    def test_takes_an_empty_description_for_none(self, platform, income, rent):
        assert pay(platform, income, rent, 500, description="").json()["data"]["description"] is None


class TestSimulation:
    def test_moves_nothing_and_is_counted_by_nothing(self, api, platform_with, income, rent):
        client = platform_with(
            f"MANUAL_TRANSFER:{income.id}>{rent.id};day=5000", "READ_TRANSFERS:*", f"READ_ACCOUNTS:{income.id}"
        )

        shown = pay(client, income, rent, 2500, simulation=True).json()["data"]

        assert (shown["status"], shown["executionMode"]) == ("COMPLETE", "SIMULATION")
        assert shown["completedAt"] is not None
        run_once()
        assert balances(income, rent) == [100_00, 0]
        assert not SpendCounter.objects.filter(spent_cents__gt=0).exists()
        assert EntrySet.objects.count() == 1
        assert not Transfer.objects.filter(origin="user").exists()
        assert client.data(f"/transfers/{shown['id']}") == shown

    def test_is_checked_against_all_caps(self, platform_with, income, rent):
        client = platform_with(f"MANUAL_TRANSFER:{income.id}>{rent.id};day=2000")

        assert refusal(pay(client, income, rent, 2001, simulation=True)) == (403, "MAXIMUM_AMOUNT_EXCEEDED")
        assert [pay(client, income, rent, 2000, simulation=True).status_code for _ in range(2)] == [201, 201]

    def test_plans_the_end(self, platform_with, income, rent):
        reader = platform_with(f"MANUAL_TRANSFER:{income.id}>{rent.id};approval=20000", f"READ_ACCOUNTS:{income.id}")
        blind = platform_with(f"MANUAL_TRANSFER:{income.id}>{rent.id}")

        def planned(client, cents):
            shown = pay(client, income, rent, cents, simulation=True).json()["data"]
            return shown["status"], shown["errorCode"]

        assert planned(reader, 100_00) == ("COMPLETE", None)
        assert planned(reader, 100_01) == ("INCOMPLETE", "INSUFFICIENT_FUNDS")
        assert planned(reader, 200_01) == ("PENDING_APPROVAL", None)
        # What a key may not read it cannot find out by asking for more and more.
        assert planned(blind, 100_01) == ("COMPLETE", None)

    def test_is_listed_on_demand_alone(self, api, platform, income, rent):
        simulated = pay(platform, income, rent, 500, simulation=True).json()["data"]["id"]
        live = pay(platform, income, rent, 600).json()["data"]["id"]

        def ids(mode):
            query = f"accountIds={plain(rent.id)}" + (f"&executionMode={mode}" if mode else "")
            return [item["id"] for item in platform.data(f"/transfers?{query}")["items"]]

        assert ids("") == ids("LIVE") == [live]
        assert ids("SIMULATION") == [simulated]
        assert ids("ALL") == [live, simulated]


class TestOwnApi:
    """What ``/api/v1`` tells of simulated transfers."""

    def test_lists_them_by_mode_and_reads_them(self, api, platform, income, rent):
        made = [pay(platform, income, rent, 500 + cents, simulation=cents % 2 == 0) for cents in range(5)]
        assert {response.status_code for response in made} == {201}

        def amounts(query):
            page = api.get(f"/transfers?account_id={rent.id}&{query}").json()
            return [item["amount_in_cents"] for item in page["data"]], page["page_info"]

        assert amounts("")[0] == [503, 501]
        assert amounts("mode=live")[0] == [503, 501]
        assert amounts("mode=simulation")[0] == [504, 502, 500]
        assert amounts("mode=all")[0] == [504, 503, 502, 501, 500]
        [simulated, *_] = api.get(f"/transfers?account_id={rent.id}&mode=simulation").json()["data"]
        assert list(simulated)[-1] == "mode"
        assert api.get(f"/transfers/{simulated['id']}").json()["data"] == simulated
        assert "mode" not in api.get(f"/transfers?account_id={rent.id}").json()["data"][0]

    def test_pages_through_both_tables(self, api, platform, income, rent):
        for cents in range(7):
            pay(platform, income, rent, 500 + cents, simulation=cents in (1, 2, 5))

        found, after = [], ""
        for _ in range(4):
            page = api.get(f"/transfers?account_id={rent.id}&mode=all&first=2{after}").json()
            found += [item["amount_in_cents"] for item in page["data"]]
            after = f"&after={page['page_info']['end_cursor']}"

        assert found == [506, 505, 504, 503, 502, 501, 500]
        assert not page["page_info"]["has_next_page"]

    def test_neither_cancels_nor_approves_one(self, api, platform, income, rent):
        from django.core.management import CommandError, call_command

        pay(platform, income, rent, 500, simulation=True)
        simulated = SimulatedTransfer.objects.get()

        assert api.post(f"/transfers/{simulated.id}/cancel").status_code == 404
        with pytest.raises(CommandError, match="not found"):
            call_command("approve_transfer", simulated.id)


class TestListTransfers:
    @pytest.mark.parametrize(
        "spelling",
        [
            "accountIds={a}&accountIds={b}",
            "accountIds[]={a}&accountIds[]={b}",
            "accountIds[0]={a}&accountIds[1]={b}",
            "accountIds%5B%5D={a}&accountIds%5B1%5D={b}",
        ],
    )
    def test_takes_lists_in_every_spelling(self, platform, income, rent, savings, spelling):
        pay(platform, income, rent, 500)
        pay(platform, income, savings, 600)

        query = spelling.format(a=plain(rent.id), b=plain(savings.id))

        assert [item["amountInCents"] for item in platform.data(f"/transfers?{query}")["items"]] == [600, 500]

    def test_wants_accounts_and_the_right_to_read_each(self, platform, platform_with, income, rent):
        one = platform_with(f"READ_TRANSFERS:{rent.id}")
        both = f"/transfers?accountIds={plain(rent.id)}&accountIds={plain(income.id)}"

        assert refusal(platform.get("/transfers")) == (400, "INVALID_PARAMETERS")
        assert one.get(f"/transfers?accountIds={plain(rent.id)}").status_code == 200
        assert refusal(one.get(both)) == (403, "ACCESS_DENIED")
        assert platform.get(both).status_code == 200

    def test_lists_a_transfer_between_two_of_them_once(self, platform, income, rent):
        pay(platform, income, rent, 500)

        data = platform.data(f"/transfers?accountIds={plain(rent.id)}&accountIds={plain(income.id)}&origin=USER")

        assert [item["amountInCents"] for item in data["items"]] == [500]

    def test_calls_a_paycheck_a_direct_deposit(self, platform, income):
        [item] = platform.data(f"/accounts/{plain(income.id)}/transfers?origin=DIRECT_DEPOSIT")["items"]

        assert (item["origin"], item["source"], item["completedAt"] is None) == ("DIRECT_DEPOSIT", None, False)

    def test_has_full_pages_up_to_the_last(self, platform, income):
        for _ in range(6):
            fund(income, 100)

        pages = [
            platform.data(f"/accounts/{plain(income.id)}/transfers?pageSize=3&page={page}") for page in (1, 2, 3, 4)
        ]

        assert [len(page["items"]) for page in pages] == [3, 3, 1, 0]
        assert [page["pagination"]["hasNextPage"] for page in pages] == [True, True, False, False]
        assert len({item["id"] for page in pages for item in page["items"]}) == 7

    def test_filters_by_side_and_time(self, platform, income, rent):
        shown = pay(platform, income, rent, 500).json()["data"]
        path = f"/accounts/{plain(rent.id)}/transfers"

        assert platform.data(f"{path}?accountRole=source")["items"] == []
        assert len(platform.data(f"{path}?accountRole=destination&from={shown['createdAt']}")["items"]) == 1
        assert platform.data(f"{path}?to=2020-01-01T00:00:00Z")["items"] == []
        assert platform.data(f"{path}?ruleExecutionId=nonsense")["items"] == []

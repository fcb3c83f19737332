"""Card transactions and external transactions in the vendor's dialect."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from sequence.core.api.fields import show_time
from tests.cards.steps import buy, issue, refund
from tests.platform.client import plain
from tests.platform.steps import refusal
from tests.transfers.steps import fund


class TestCardTransactions:
    def test_are_purchases_and_refunds_of_a_pod(self, platform, rent):
        fund(rent, 100_00)
        card, other = issue(rent), issue(rent)
        purchase = buy(card, 42_50, "Corner Shop")
        back = refund(purchase, 10_00)
        buy(other, 1_00)
        query = f"/card-transactions?accountId={plain(rent.id)}"

        items = platform.data(f"{query}&cardId={plain(card.id)}")["items"]

        assert [(item["id"], item["subtype"], item["direction"]) for item in items] == [
            (plain(back.id), "REFUND", "MONEY_IN"),
            (plain(purchase.id), "PURCHASE", "MONEY_OUT"),
        ]
        assert items[1]["amountInCents"] == 42_50
        assert items[1]["account"] == {"id": plain(rent.id), "name": "Rent", "type": "POD", "isDeleted": False}
        assert platform.data(f"/card-transactions/{items[0]['id']}") == items[0]
        assert len(platform.data(query)["items"]) == 3
        assert platform.data(f"{query}&cardId=nonsense")["items"] == []

    def test_need_the_own_scope_on_the_pod(self, platform, platform_with, rent, savings, income):
        fund(rent, 100_00)
        id = plain(buy(issue(rent), 100).id)
        readers = platform_with("READ_TRANSFERS:*", f"READ_CARDS:{savings.id}")

        assert refusal(platform_with("READ_TRANSFERS:*").get(f"/card-transactions/{id}")) == (403, "ACCESS_DENIED")
        assert refusal(readers.get(f"/card-transactions/{id}")) == (403, "ACCESS_DENIED")
        assert refusal(readers.get(f"/card-transactions?accountId={plain(rent.id)}")) == (403, "ACCESS_DENIED")
        assert refusal(platform.get(f"/card-transactions/{uuid4()}")) == (404, "CARD_TRANSACTION_NOT_FOUND")
        assert refusal(platform.get("/card-transactions")) == (400, "INVALID_PARAMETERS")
        assert refusal(platform.get(f"/card-transactions?accountId={plain(income.id)}")) == (400, "INVALID_PARAMETERS")


class TestExternalTransactions:
    def test_are_none_yet(self, platform, platform_with, bank):
        data = platform.data(f"/external-transactions?accountIds={plain(bank.id)}")

        assert (data["items"], data["window"]["truncated"]) == ([], False)
        assert refusal(platform.get(f"/external-transactions/{uuid4()}")) == (404, "EXTERNAL_TRANSACTION_NOT_FOUND")
        assert refusal(platform.get("/external-transactions")) == (400, "INVALID_PARAMETERS")
        narrow = platform_with(f"READ_TRANSFERS:{bank.id}")
        assert refusal(narrow.get(f"/external-transactions/{uuid4()}")) == (403, "ACCESS_DENIED")

    def test_clamp_their_window(self, platform, bank):
        early = (timezone.now() - timedelta(days=100)).isoformat().replace("+00:00", "Z")

        window = platform.data(f"/external-transactions?accountIds={plain(bank.id)}&from={early}")["window"]

        assert window["truncated"] is True
        assert window["from"] > early

    @pytest.mark.parametrize(("minutes", "is_clamped"), [(1, True), (-1, False)])
    def test_reach_back_90_days(self, platform, bank, minutes, is_clamped):
        begin = show_time(timezone.now() - timedelta(days=90, minutes=minutes))

        paths = [f"/external-transactions?accountIds={plain(bank.id)}&from={begin}", f"/audit-logs?from={begin}"]
        windows = [platform.data(path)["window"] for path in paths]

        assert [window["truncated"] for window in windows] == [is_clamped] * 2
        assert [window["from"] == begin for window in windows] == [not is_clamped] * 2
        unasked = platform.data(f"/external-transactions?accountIds={plain(bank.id)}")["window"]
        begins, ends = (datetime.fromisoformat(unasked[name]) for name in ("from", "to"))
        assert ends - begins == timedelta(days=90)

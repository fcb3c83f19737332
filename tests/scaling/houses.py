"""Houses: organizations at work, each with accounts, rules, a webhook, money that moves and money that waits."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from sequence.webhooks.services import create_webhook
from tests.client import Api
from tests.factories import ExternalAccountFactory, IncomeSourceFactory, PodFactory
from tests.rules.definitions import limit, manual, on_funds, rule, step
from tests.rules.steps import move, trigger, write_enabled
from tests.transfers.steps import fund, post_transfer

# Method, path, body, Idempotency-Key.
Request = tuple[str, str, Any, str | None]


class House:
    def __init__(self, api: Api, organization: Any, url: str) -> None:
        self.api, self.organization = api, organization
        self.income, self.pod = IncomeSourceFactory(organization=organization), PodFactory(organization=organization)
        self.bank = ExternalAccountFactory(organization=organization)
        create_webhook(url=url, organization=organization, addresses=None, created_by="test")
        fund(self.income, 1_000_00)
        saved = move(self.income, self.pod, 1_00, limit=limit("PER_MONTH", 500_00))
        actions = step(saved, move(self.income, self.bank, 2_00))
        self.on_deposit = write_enabled(api, rule(actions, trigger=on_funds(self.income.id)))
        self.by_hand = write_enabled(api, rule(actions, trigger=manual(self.income.id)))
        self.make_work()

    def make_work(self) -> None:
        """Let money arrive that sets off a rule, set off another, and ask for transfers that workers carry out."""
        fund(self.income, 1_000_00)
        self.execution_id = trigger(self.api, self.by_hand)
        self.transfer_id = self.ask(self.pod, 1_00)
        self.ask(self.bank, 1_00)
        self.ask(self.pod, 1_000_000_00)  # Which it does not have.

    def ask(self, destination: Any, cents: int) -> str:
        answer: str = post_transfer(self.api, self.income, destination, cents).json()["data"]["id"]
        return answer

    def body(self, destination: Any) -> dict[str, Any]:
        return {
            "source_account_id": self.income.id,
            "destination_account_id": destination.id,
            "amount_in_cents": 1_00,
        }

    def requests(self) -> Iterator[Request]:
        """What programs ask most."""
        now = timezone.now().isoformat().replace("+00:00", "Z")
        yield "GET", "/key", None, None
        yield "GET", "/accounts", None, None
        yield "GET", f"/accounts/{self.pod.id}", None, None
        yield "GET", f"/accounts/{self.pod.id}/balance?at={now}", None, None
        yield "POST", "/accounts/pods", {"nickname": "Rent"}, "pod"
        yield "PATCH", f"/accounts/{self.pod.id}", {"icon": "a"}, None
        yield "GET", f"/transfers?account_id={self.income.id}", None, None
        yield "GET", f"/transfers?account_id={self.income.id}&account_role=source&status=complete", None, None
        yield "GET", f"/transfers/{self.transfer_id}", None, None
        yield "POST", "/transfers/dry-run", self.body(self.pod), None
        yield "POST", "/transfers", self.body(self.pod), None
        yield "POST", "/transfers", self.body(self.bank), "order"
        yield "POST", "/transfers", self.body(self.bank), "order"  # The kept answer.
        yield "GET", "/idempotency-keys/order", None, None
        yield "POST", f"/transfers/{self.ask(self.pod, 1_00)}/cancel", {}, "cancel"
        yield "GET", "/rules", None, None
        yield "GET", f"/rules/{self.by_hand.id}", None, None
        yield "POST", f"/rules/{self.by_hand.id}/trigger", {}, "run"
        yield "GET", f"/rule-executions?rule_id={self.by_hand.id}", None, None
        yield "GET", f"/rule-executions/{self.execution_id}", None, None
        yield "GET", "/events", None, None

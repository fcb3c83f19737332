"""Telling of the story: each step is sent to the API as a reader would send it, and what was answered is kept.

``recorded`` makes of it what ``docs/examples/story.json`` holds: ids, times and secrets that are the same at every
telling.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Account
from apikeys.models import Organization
from cards.models import Card
from cards.services import charge_card
from rules.models import Rule
from rules.services import enable_rule
from sequence.core.transactions import run_in_transaction
from sequence.core.worker import run_once
from sequence.webhooks.dispatcher import Dispatcher
from sequence.webhooks.services import addresses_now, create_webhook
from tests.api_docs.story import STORY, Step
from tests.client import Api
from tests.guides.conftest import make_household
from transfers.models import Origin
from transfers.services import deposit

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Teller:
    """Tells the story to an API, and keeps what is answered."""

    def __init__(self, set_clock: Any, webhook_url: str) -> None:
        self._set_clock = set_clock
        self._now = BEGIN
        self._set_clock(self._now)
        self.credentials = run_in_transaction(make_household)
        run_once(self._now)
        self._listen(webhook_url)
        organization = {"organization_id": self.credentials["organization"]}
        self.names = {account.name: account.id for account in Account.objects.filter(**organization)}
        self.names["card"] = Card.objects.filter(**organization).order_by("created_at", "id")[0].id
        tokens = {"KEY": self.credentials["api_key"], "AGENT_KEY": self.credentials["agent_api_key"]}
        self._apis = {"": Api(None), **{name: Api(token) for name, token in tokens.items()}}

    def _listen(self, url: str) -> None:
        organization = Organization.objects.get(id=self.credentials["organization"])
        news = ["transfer.status_changed"]
        create_webhook(
            organization=organization,
            url=url,
            addresses=addresses_now(url),
            events=news,
            format="event",
            description="",
            created_by="test",
        )

    def tell(self) -> Iterator[dict[str, Any]]:
        """Send each step, and yield it with its answer."""
        for step in STORY:
            self._pass(step.before)
            yield self._send(step)

    def _pass(self, before: str) -> None:
        self._now += timedelta(minutes=1)
        self._set_clock(self._now)
        if before == "enable":
            rule = Rule.objects.get(id=self.names["Split the paycheck"])
            enable_rule(rule_id=rule.id, version=rule.version, by="staff:nia")
        if before == "paycheck":
            paid = deposit(
                account_id=self.names["Main Payroll"], amount_cents=100000, origin=Origin.PAYCHECK, by="test"
            )
            self.names["paycheck"] = paid.id
        if before == "purchase":
            charge_card(card_id=self.names["card"], amount_cents=4250, merchant_name="Corner Market")
        if before:
            run_once(self._now)
            Dispatcher().run_due(self._now)

    def _send(self, step: Step) -> dict[str, Any]:
        path, body, query = (self._named(part) for part in (step.path, step.body, step.query))
        address = path + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
        answer = self._apis[step.who].request(step.method, address, body, headers=step.headers)
        assert answer.status_code == step.status, f"{step.title}: {answer.content.decode()}"
        told = answer.json() if answer.content else None
        if step.keeps:
            self.names[step.keeps] = next(
                value for name, value in told["data"].items() if name == "id" or name.endswith("_id")
            )
        if step.operation == "event_list":
            self.names["event"] = told["data"][0]["id"]
        return {
            "operation": step.operation,
            "title": step.title,
            "method": step.method,
            "path": f"/api/v1{path}",
            "query": query,
            "headers": step.headers,
            "key": step.who,
            "body": body,
            "status": step.status,
            "answer": told,
        }

    def _named(self, part: Any) -> Any:
        """Return the part with ids for names."""
        text = json.dumps(part)
        return json.loads(re.sub(r"\{([A-Za-z][\w ]*)\}", lambda match: self.names[match[1]], text))


_ID = re.compile(r"\b([a-z]{3,4})_([0-7][0-9A-HJKMNP-TV-Z]{25})\b")
# What is drawn by lot, or computed from it, with what stands for it.
_DRAWN = (
    (re.compile(r'("prefix": )"sk_\w{6}"'), r'\1"sk_8Qm2Xy"'),
    (re.compile(r"••••\d{4}"), "••••7731"),
    (re.compile(r'("last_four": )"\d{4}"'), r'\1"4821"'),
    (re.compile(r'("(?:\w*hash|digest)": )"[0-9a-f]{64}"'), rf'\1"{"5e" * 32}"'),
    (re.compile(r'("(?:signature)": )"[^"]+"'), rf'\1"{"c2lnbmVk" * 10}{"c2ln" * 2}"'),
    (re.compile(r'("(?:public_key)": )"[^"]+"'), rf'\1"{"cHVibGlj" * 5}a2V="'),
    (re.compile(r'("duration_ms": )\d+'), r"\g<1>12"),
    (re.compile(r'("end_cursor": )"[^"]{8,}"'), r'\1"WyIyMDI2LTAzLTAyIl0"'),
)
_TIME = re.compile(r'"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"')


def recorded(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the story with ids, times and secrets that are the same at every telling."""
    text = json.dumps(told, ensure_ascii=False)
    numbers: dict[str, int] = {}

    def plain_id(match: re.Match[str]) -> str:
        if match[2].startswith("01HABC"):
            return match[0]
        number = numbers.setdefault(match[0], len(numbers) + 1)
        return f"{match[1]}_01HABC{number:020d}"

    text = _ID.sub(plain_id, text)
    for drawn, plain in _DRAWN:
        text = drawn.sub(plain, text)
    return json.loads(_TIME.sub(_plain_time, text))


def _plain_time(match: re.Match[str]) -> str:
    """Return times of the story as they are; those of the database, which lives in the real present, as one of it."""
    moment = datetime.fromisoformat(match[1])
    in_story = moment.year >= 2030 or (abs(moment - BEGIN) < timedelta(days=400) and moment.microsecond == 0)
    return match[0] if in_story else '"2026-03-02T09:30:00Z"'

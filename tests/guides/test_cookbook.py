"""The cookbook: each recipe is posted, simulated, and moves what its table says."""

import json
import re
from collections.abc import Iterator
from string import Template

import pytest

from accounts.models import Account
from rules.engine.actions import ACTIONS
from rules.models import Rule
from sequence.core.worker import run_once
from sequence.demo.shell import variable_name
from sequence.guides.library import guides
from tests.client import Api
from tests.database import rolled_back
from tests.guides.conftest import make_household
from tests.rules.steps import enable, execution, trigger
from transfers.models import Transfer

PAGE = guides()["rules"].text
# What arrives where a rule waits for money.
ARRIVING_CENTS = 100_000
RECIPES = re.findall(r"^## (\d+)\. .*?^```json\n(.*?)^```\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def ids(django_db_setup, django_db_blocker) -> Iterator[dict[str, str]]:
    """The accounts of the household by the names of their variables. What a test changes is undone by its ``db``."""
    with rolled_back(django_db_blocker):
        credentials = make_household()
        run_once()
        accounts = Account.objects.filter(organization_id=credentials["organization"])
        yield {**{variable_name(account.name): account.id for account in accounts}, "KEY": credentials["api_key"]}


def test_there_are_twelve():
    assert [number for number, _, _ in RECIPES] == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe[0])
def test_moves_what_its_table_says(ids, db, recipe):
    _, body, rest = recipe
    api = Api(ids["KEY"])
    written = api.post("/rules", json.loads(Template(body).substitute(ids)))
    assert written.status_code == 201, written.content
    rule = enable(Rule.objects.get(id=written.json()["data"]["id"]))
    arriving = {"manual_execute_amount": ARRIVING_CENTS} if "ON_FUNDS" in body else {}

    run = execution(api, trigger(api, rule, simulation=True, **arriving))

    movements = [movement for action in run["trace"]["actions"] for movement in action["movements"]]
    moved = {movement["destination"]: str(movement["amount_cents"]) for movement in movements}
    assert moved == dict(re.findall(r"^\| ([A-Z].*?) \| (\d+) \|$", rest, re.MULTILINE))
    assert run["status"] == "executed"
    assert not Transfer.objects.filter(rule_id=rule.id).exists()


def test_shows_most_actions():
    assert len({action for action in ACTIONS if f'"{action}"' in PAGE}) >= 8

"""What works stands in one table: adding to it is all that it takes, and nothing that could stand there is missing."""

import importlib
import pkgutil
from types import ModuleType

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

from sequence import wiring
from sequence.core import clock
from sequence.core.admin.console import ConsoleQuery, console_of
from sequence.core.errors import DomainError
from sequence.core.worker import run_once
from transfers.ledger_invariants import Check, find_faults

APPS = ["accounts", "apikeys", "cards", "rules", "transfers"]


def modules() -> list[ModuleType]:
    """Return every module of the apps but their migrations and commands."""
    names = [
        found.name
        for app in APPS
        for found in pkgutil.walk_packages(apps.get_app_config(app).module.__path__, f"{app}.")
        if ".migrations" not in found.name and ".management" not in found.name
    ]
    return [importlib.import_module(name) for name in names]


class TestASweep:
    def test_works_once_it_stands_in_the_table(self, db, monkeypatch):
        left = [1, 1]
        monkeypatch.setattr(wiring, "SWEEPS", [*wiring.SWEEPS, lambda now: left.pop() if left else 0])

        assert run_once() == 2

    def test_that_says_which_rows_it_would_claim_is_not_forgotten(self):
        marked = {
            value
            for module in modules()
            for value in vars(module).values()
            if getattr(value, "due_rows", None) is not None
        }

        assert marked <= set(wiring.SWEEPS)


class TestACheckOfTheLedger:
    def test_is_asked_once_it_stands_in_the_table(self, db, monkeypatch):
        check = Check("nothing_is_ever_right", "this house", "it has {0} walls", "SELECT 1, 4")
        monkeypatch.setattr(wiring, "LEDGER_CHECKS", [*wiring.LEDGER_CHECKS, check])

        [fault] = find_faults()
        assert (fault.check, fault.subject, fault.message) == (
            "nothing_is_ever_right",
            "this house 1",
            "it has 4 walls",
        )

    def test_is_not_forgotten(self):
        written = {
            check.name
            for module in modules()
            for value in vars(module).values()
            for check in (value if isinstance(value, tuple) else (value,))
            if isinstance(check, Check)
        }

        assert written <= {check.name for check in wiring.LEDGER_CHECKS}

    def test_has_a_name_of_its_own(self):
        names = [check.name for check in wiring.LEDGER_CHECKS]

        assert len(names) == len(set(names))


class TestTheConsole:
    def test_shows_nothing_to_whoever_may_see_nothing(self, db):
        console = console_of(AnonymousUser(), ConsoleQuery(clock.now()))

        assert not any(console[part] for part in ("waiting", "figures", "signs", "sections", "organizations"))


class TestAnError:
    def test_is_one_class(self, api, monkeypatch):
        class Teapot(DomainError):
            code = "teapot"
            status = 418
            message = "{name} is a teapot."

        def refuse(**_):
            raise Teapot(name="It")

        monkeypatch.setattr("accounts.services.create_pod", refuse)
        # Past our client, which holds answers against the document: that cannot know this one.
        response = api.client.post(
            "/api/v1/accounts/pods", {"nickname": "Rent"}, "application/json", headers=api.headers
        )

        assert response.status_code == 418
        assert response.json()["error"] == {"code": "teapot", "message": "It is a teapot."}


@pytest.mark.parametrize("app", APPS)
def test_apps_do_nothing_when_they_load(app):
    assert "ready" not in vars(type(apps.get_app_config(app)))

"""A server that is fit for production starts, and any other says what to mend."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client

from sequence.local.launch.install import ROOT
from sequence.production import refuse_what_is_unsafe
from tests.production import PRODUCTION_ENVIRONMENT
from tests.roles import APPLICATION
from tests.transfers.chaos.site import database_url

FIT = {
    "SECRET_KEY": PRODUCTION_ENVIRONMENT["SECRET_KEY"],
    "API_KEY_PEPPER": PRODUCTION_ENVIRONMENT["API_KEY_PEPPER"],
    "BANK_NUMBER_KEYS": [PRODUCTION_ENVIRONMENT["BANK_NUMBER_KEYS"]],
    "ALLOWED_HOSTS": ["sequence.your.domain"],
    "DEBUG": False,
    "ALLOW_TIME_TRAVEL": False,
    "METRICS_TOKEN": "",
    "DATABASES": {"default": {"DURABLE": True}},
}
ENVIRONMENT = {"DATABASE_URL": "postgres://sequence@db/sequence"}
GOOD_KEY = Fernet.generate_key().decode()


def start(*arguments: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Run a Python program as a production server would, with the variables added or (None) left out."""
    names = ("PATH", "HOME", "LANG")
    # Named, so that nothing begins an embedded server; nothing here connects to it.
    given = {name: os.environ[name] for name in names if name in os.environ} | PRODUCTION_ENVIRONMENT
    environment = {**given, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", **variables}
    return subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
    )


class TestRefuseWhatIsUnsafe:
    def test_says_nothing_of_what_is_fit(self):
        refuse_what_is_unsafe(FIT, ENVIRONMENT)
        refuse_what_is_unsafe(FIT, {"POSTGRES_DIR": "/var/lib/sequence/postgres"})

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
            ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter than 50 characters"),
            ({"SECRET_KEY": "ab" * 30}, "SECRET_KEY is not random"),
            ({"SECRET_KEY": "django-insecure-" + FIT["SECRET_KEY"]}, "SECRET_KEY is not random"),
            ({"SECRET_KEY": "change-me-" + FIT["SECRET_KEY"]}, "SECRET_KEY is not random"),
            ({"API_KEY_PEPPER": ""}, "API_KEY_PEPPER is missing"),
            ({"API_KEY_PEPPER": "pepper"}, "API_KEY_PEPPER is shorter than 32 characters"),
            ({"API_KEY_PEPPER": FIT["SECRET_KEY"]}, "API_KEY_PEPPER is the same as SECRET_KEY"),
            ({"BANK_NUMBER_KEYS": []}, "BANK_NUMBER_KEYS is missing"),
            ({"BANK_NUMBER_KEYS": [GOOD_KEY, "any"]}, "BANK_NUMBER_KEYS: key 2 is no Fernet key"),
            ({"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS is missing"),
            ({"ALLOWED_HOSTS": ["a.your.domain", "*"]}, "ALLOWED_HOSTS lets any host in"),
            ({"ALLOWED_HOSTS": [".*"]}, "ALLOWED_HOSTS lets any host in"),
            ({"DEBUG": True}, "DEBUG shows"),
            ({"ALLOW_TIME_TRAVEL": True}, "ALLOW_TIME_TRAVEL would"),
            ({"DATABASES": {"default": {"DURABLE": False}}}, "POSTGRES_DURABLE=0 lets"),
        ],
    )
    def test_tells_each_fault(self, changed, told):
        with pytest.raises(ImproperlyConfigured) as refused:
            refuse_what_is_unsafe(FIT | changed, ENVIRONMENT)

        assert told in str(refused.value)
        assert str(refused.value).count("\n  - ") == 1

    def test_wants_the_database_named(self):
        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is missing"):
            refuse_what_is_unsafe(FIT, {})

    def test_shows_no_secret(self):
        weak = {"SECRET_KEY": "change-me-please", "API_KEY_PEPPER": "xyzzy", "BANK_NUMBER_KEYS": ["plugh"]}
        with pytest.raises(ImproperlyConfigured) as refused:
            refuse_what_is_unsafe(FIT | weak, ENVIRONMENT)

        assert not [secret for secret in ("please", "xyzzy", "plugh") if secret in str(refused.value)]


@pytest.mark.full
class TestStarting:
    UNFIT = {"SECRET_KEY": "short", "ALLOWED_HOSTS": "*", "DEBUG": "1", "ALLOW_TIME_TRAVEL": "1"}

    @pytest.mark.parametrize("program", [["manage.py", "run_worker"], ["-c", "import sequence.wsgi"]])
    def test_is_refused_with_every_fault_at_once(self, program):
        done = start(*program, **self.UNFIT)

        assert done.returncode == 1
        assert re.findall(r"^  - (\w+)", done.stderr, re.MULTILINE) == list(self.UNFIT)

    def test_tells_an_operator_without_a_traceback(self):
        assert "Traceback" not in start("manage.py", "run_worker", **self.UNFIT).stderr

    @pytest.mark.skipif(APPLICATION is None, reason="DATABASE_URL names one role for all.")
    def test_is_quiet_where_all_is_well(self, transactional_db):
        done = start(
            "manage.py", "check", "--deploy", "--fail-level=DEBUG", DATABASE_URL=database_url(user=APPLICATION)
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "no issues" in done.stdout

    @pytest.mark.full
    def test_asks_staff_for_a_code(self):
        script = "import django; django.setup(); from django.conf import settings; print(settings.STAFF_SECOND_FACTOR)"

        assert start("-c", script, DJANGO_SETTINGS_MODULE="sequence.settings").stdout == "True\n"

    def test_is_not_for_the_demo(self):
        done = start("-m", "sequence.local.launch.run")

        assert "./run makes a demo, and is not for production" in done.stderr


class TestHttps:
    @pytest.fixture(autouse=True)
    def _required(self, settings):
        settings.SECURE_SSL_REDIRECT = True

    def test_pages_lead_to_it(self):
        assert Client().get("/docs")["Location"] == "https://testserver/docs"

    def test_the_api_refuses_in_its_envelope_and_does_not_lead_a_key_on(self, api):
        response = Client(headers=api.headers).post("/api/v1/accounts/pods", {}, content_type="application/json")

        assert response.status_code == 403
        assert response.json()["error"]["code"] == "https_required"
        assert "rotate it" in response.json()["error"]["message"]
        assert response.json()["request_id"] == response["X-Request-ID"]

    def test_the_api_answers_over_it(self, api):
        assert Client(headers=api.headers).get("/api/v1/accounts", secure=True).status_code == 200

    def test_is_believed_of_a_proxy_only(self, settings):
        claim = {"X-Forwarded-Proto": "https", "Host": "localhost"}
        assert Client(headers=claim).get("/docs").status_code == 301

        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        assert Client(headers=claim).get("/docs").status_code == 200
        assert 'curl -X POST "https://localhost/' in Client(headers=claim).get("/").content.decode()


class TestTheClientsAddress:
    FORWARDED = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}

    def client_of(self, caplog) -> str:
        caplog.clear()
        with caplog.at_level("INFO", logger="sequence.requests"):
            Client(headers=self.FORWARDED).get("/docs")
        return caplog.records[-1].msg["client"]

    def test_is_who_connects(self, caplog):
        assert self.client_of(caplog) == "127.0.0.1"

    def test_is_whom_the_proxy_saw_and_not_what_the_client_claims(self, caplog, settings):
        settings.BEHIND_PROXY = True

        assert self.client_of(caplog) == "198.51.100.7"


class TestHealth:
    def test_is_told_to_whoever_asks_by_address_and_in_clear(self, db, settings, caplog):
        settings.SECURE_SSL_REDIRECT = True
        with caplog.at_level("INFO"):
            response = Client(headers={"Host": "10.0.0.7"}).get("/healthz")

        assert (response.status_code, response.content) == (200, b"ok\n")
        assert caplog.records == []

    def test_is_bad_without_a_database(self, monkeypatch):
        def fail() -> None:
            raise OperationalError("connection refused")

        monkeypatch.setattr("sequence.health.connection.cursor", fail)
        response = Client().get("/healthz")

        assert (response.status_code, response.content) == (503, b"The database cannot be reached.\n")


class TestTheListOfSettings:
    def test_has_every_variable_that_is_read_and_no_other(self):
        read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', Path(ROOT, "sequence/settings.py").read_text()))
        listed = re.findall(r"^\| `([A-Z_]+)`", Path(ROOT, "docs/settings.md").read_text(), re.MULTILINE)

        assert sorted(listed) == sorted(read)

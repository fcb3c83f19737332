"""The shell variables that ``./run`` leaves for README and guides."""

import subprocess

import pytest

from accounts.services import create_pod
from sequence.demo.shell import FILE, keep_variables, variable_name


@pytest.fixture
def read(acme, settings, tmp_path):
    """Return a function that reads the file into a shell, and says what a variable is there."""
    settings.LOCAL_DIR = tmp_path
    credentials = {"organization": acme.id, "api_key": "sk_1", "agent_api_key": "sk_2"}

    def value_of(name: str) -> str:
        keep_variables(credentials, server="http://127.0.0.1:8000")
        script = f'. {tmp_path}/{FILE}; printf %s "${name}"'
        return subprocess.run(["/bin/sh", "-euc", script], capture_output=True, text=True, check=True).stdout  # noqa: S603

    return value_of


def test_name_the_server_the_keys_and_the_accounts(read, acme):
    rent = create_pod(organization_id=acme.id, nickname="Rent", icon="house", beneficiary_name="")

    assert read("SERVER") == "http://127.0.0.1:8000"
    assert [read("KEY"), read("AGENT_KEY"), read("ORGANIZATION")] == ["sk_1", "sk_2", acme.id]
    assert read("RENT") == rent.id


@pytest.mark.parametrize("name", ["Home", "Path", "IFS", "Key"])
def test_take_nothing_from_the_shell(read, acme, name):
    before = read(name.upper()) if name != "IFS" else " \t\n"
    create_pod(organization_id=acme.id, nickname=name, icon="house", beneficiary_name="")

    assert read(name.upper()) == before


def test_can_be_read_by_their_owner_alone(read, settings):
    read("KEY")
    assert (settings.LOCAL_DIR / FILE).stat().st_mode & 0o777 == 0o600


def test_hand_on_what_run_has_opened(read, monkeypatch):
    monkeypatch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    assert read("WEBHOOK_ALLOWED_NETWORKS") == "127.0.0.0/8"


def test_are_spelled_as_a_shell_can():
    spelled = {"Main Payroll": "MAIN_PAYROLL", "401(k)": "K", "§§": "", "Rainy days!": "RAINY_DAYS"}
    assert {name: variable_name(name) for name in spelled} == spelled

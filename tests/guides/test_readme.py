"""README: three commands from the start to a payment, word for word."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from sequence.local.launch.address import Address
from sequence.local.launch.serve import Welcome
from tests.guides.shell import Shell, steps_of

README = (Path(settings.BASE_DIR) / "README.md").read_text()


@pytest.mark.django_db(transaction=True)
def test_does_what_it_says(reader: Shell):
    commands = [step.commands for step in steps_of(README) if not step.commands.startswith("./")]
    paid, looked = reader.outputs_of(['curl() { command curl -sS "$@"; echo; sleep 1; }\n' + commands[0], commands[1]])

    assert '"amount_in_cents":2000' in paid
    assert '"balance_in_cents":26000' in looked
    assert "The ledger is right" in looked


@pytest.mark.django_db(transaction=True)
def test_the_banner_does_what_it_says(reader: Shell):
    text = Welcome(Address("127.0.0.1", 1), {"api_key": "sk_1", "organization": "x"}, "").text()
    [commands] = re.findall(r"^     (\. .*?)\n\n", text, re.DOTALL | re.MULTILINE)

    [paid] = reader.outputs_of([commands])

    assert '"amount_in_cents":2000' in paid


def test_needs_nothing_that_a_bare_machine_lacks():
    commands = "\n".join(step.commands for step in steps_of(README))
    assert not re.search(r"\b(uuidgen|jq|npx|uvx|pip|docker)\b|acc_|…", commands)


def test_says_what_it_is_in_two_sentences_and_a_picture():
    lead, picture = README.split("\n\n")[1:3]
    assert len(re.findall(r"[.!?](?:\s|$)", lead)) == 2
    assert picture.startswith("![")

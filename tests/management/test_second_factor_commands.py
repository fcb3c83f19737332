"""Setting up and removing an authenticator app from the command line."""

import json
from io import StringIO

import pyotp
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from sequence.core.admin.trail import Filters, newest_changes
from sequence.core.models import SecondFactor


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann", is_staff=True)


class Person:
    """Reads the secret off the screen, and types codes."""

    def __init__(self, *answers: str) -> None:
        self.screen = StringIO()
        self.answers = list(answers)

    def type(self) -> str:
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        return pyotp.TOTP(self.secret).now() if answer == "right" else answer

    @property
    def secret(self) -> str:
        [uri] = [line.strip() for line in self.screen.getvalue().splitlines() if "otpauth://" in line]
        return pyotp.parse_uri(uri).secret


def enrol(monkeypatch, *answers: str, arguments: tuple[str, ...] = ()) -> Person:
    person = Person(*answers)
    monkeypatch.setattr("builtins.input", person.type)
    call_command("enrol_second_factor", "ann", *arguments, stdout=person.screen)
    return person


def as_json(*words: str) -> dict:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


class TestEnrolSecondFactor:
    def test_keeps_what_was_scanned_once_a_code_of_it_was_right(self, ann, monkeypatch):
        person = enrol(monkeypatch, "abc", "right")

        assert SecondFactor.objects.get(user=ann).secret == person.secret
        assert "█" in person.screen.getvalue()
        assert "otpauth://totp/Sequence:ann?" in person.screen.getvalue()

    def test_spends_that_code(self, ann, monkeypatch):
        person = enrol(monkeypatch, "right")

        assert SecondFactor.objects.get().last_step >= pyotp.TOTP(person.secret).timecode(ann.date_joined)

    @pytest.mark.parametrize("answers", [(), ("000", "111", "222", "right")])
    def test_keeps_nothing_without_a_right_code(self, ann, monkeypatch, answers):
        with pytest.raises(CommandError, match="Nothing is set up"):
            enrol(monkeypatch, *answers)

        assert not SecondFactor.objects.exists()

    def test_replaces_only_when_told_to(self, ann, monkeypatch):
        first = enrol(monkeypatch, "right")
        with pytest.raises(CommandError, match="add --replace"):
            enrol(monkeypatch, "right")
        assert SecondFactor.objects.get().secret == first.secret

        second = enrol(monkeypatch, "right", arguments=("--replace",))
        assert SecondFactor.objects.get().secret == second.secret != first.secret

    def test_tells_machines_the_secret_without_asking(self, ann):
        facts = as_json("enrol_second_factor", "ann", "--no-confirm")

        assert facts["secret"] == SecondFactor.objects.get().secret == pyotp.parse_uri(facts["otpauth_uri"]).secret
        with pytest.raises(CommandError, match="goes with --no-confirm"):
            as_json("enrol_second_factor", "ann")

    @pytest.mark.parametrize("facts", [{"is_staff": False}, {"is_active": False}, {"username": "joe"}])
    def test_is_for_active_staff(self, ann, facts):
        User.objects.update(**facts)
        with pytest.raises(CommandError, match="There is no active staff user 'ann'"):
            as_json("enrol_second_factor", "ann", "--no-confirm")


class TestRemoveSecondFactor:
    def test_voids_it(self, ann):
        as_json("enrol_second_factor", "ann", "--no-confirm")

        assert as_json("remove_second_factor", "ann") == {"username": "ann", "removed": True}
        assert not SecondFactor.objects.exists()
        with pytest.raises(CommandError, match="has no second factor"):
            as_json("remove_second_factor", "ann")


class TestTheTrail:
    def test_tells_who_set_it_up_and_who_removed_it_but_not_who_signed_in(self, ann):
        as_json("enrol_second_factor", "ann", "--no-confirm")
        SecondFactor.objects.get().accept(10**9)
        as_json("remove_second_factor", "ann")

        changes = newest_changes(Filters(kind="sequence.secondfactorevent")).changes
        assert [(change.actor.rpartition(":")[0], change.verb) for change in changes] == [
            ("command:remove_second_factor", "taken away"),
            ("command:enrol_second_factor", "enrolled"),
        ]
        assert {change.url for change in changes} == {f"/admin/auth/user/{ann.pk}/change/"}

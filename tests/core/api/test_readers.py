"""Readers of bodies and queries that are kept from one request to the next: they hold nothing of what they read."""

import copy
import importlib

import pytest
from rest_framework.exceptions import ValidationError

from accounts.serializers import CreatePod
from sequence.core.api.fields import NoFields, StrictSerializer
from tests.core.test_texts import subclasses
from transfers.serializers import CreateTransfer, TransferListQuery

PAIR = {"source_account_id": "acc_1", "destination_account_id": "acc_2"}
# A body that is read and one that is refused.
BODIES = {
    NoFields: ({}, {"x": 1}),
    CreateTransfer: ({**PAIR, "amount_in_cents": 100}, {**PAIR, "amount_in_cents": 99, "description": "~"}),
    TransferListQuery: ({"account_id": "acc_1", "first": "7"}, {"first": "0", "after": "\0", "to": "x"}),
}


def _notes(reader: StrictSerializer) -> list[dict[str, object]]:
    return [copy.copy(vars(part)) for part in (reader, *reader.fields.values())]


class TestStatelessReader:
    def test_has_its_bodies_here(self):
        importlib.import_module("sequence.urls")  # With it everything that answers is loaded.

        # Those of the vendor's dialect are read by readers of their own.
        own = {child for child in subclasses(StrictSerializer) if not child.__module__.startswith("sequence.platform")}
        assert {child for child in own if child.is_stateless} == set(BODIES)

    @pytest.mark.parametrize("kind", BODIES)
    def test_reads_and_refuses_as_a_new_one_does(self, kind):
        good, bad = BODIES[kind]
        for _ in range(2):
            fresh, refusing = kind(data=good), kind(data=bad)
            assert fresh.is_valid()
            assert not refusing.is_valid()

            assert kind.read(good) == fresh.validated_data
            with pytest.raises(ValidationError) as refusal:
                kind.read(bad)
            assert refusal.value.get_full_details() == ValidationError(refusing.errors).get_full_details()

    @pytest.mark.parametrize("kind", BODIES)
    def test_notes_nothing(self, kind):
        good, bad = BODIES[kind]
        reader = kind()
        reader.run_validation(good)
        before = _notes(reader)
        with pytest.raises(ValidationError):
            reader.run_validation(bad)
        reader.run_validation(good)

        assert _notes(reader) == before

    def test_is_one_for_all_and_any_other_is_new_each_time(self, monkeypatch):
        made = []
        monkeypatch.setattr(StrictSerializer, "__init__", lambda self, **_: made.append(type(self)))
        monkeypatch.setattr(StrictSerializer, "run_validation", lambda self, data: data)

        for kind in (CreatePod, CreatePod):
            kind.read({})

        assert made == [CreatePod, CreatePod]

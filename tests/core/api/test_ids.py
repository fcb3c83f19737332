"""Ids: a prefix and a ULID, in one spelling."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from accounts.models import Account
from sequence.core import clock
from sequence.core.api.ids import NO_ROW, PrefixedIdField, new_id, parse_id, show_id
from tests.factories import PodFactory

THEN = datetime(2024, 2, 29, 23, 59, 59, 123000, tzinfo=UTC)


class TestParseId:
    @given(st.uuids())
    def test_reads_what_show_id_wrote(self, value):
        assert parse_id("acc", show_id("acc", value)) == value

    @given(st.text(max_size=40))
    def test_takes_one_spelling_only(self, tail):
        value = parse_id("acc", f"acc_{tail}")

        assert value is None or show_id("acc", value) == f"acc_{tail}"

    @pytest.mark.parametrize(
        "change",
        [
            str.lower,
            lambda id: id.replace("acc_", "rule_"),
            lambda id: id.replace("acc_", "ACC_"),
            lambda id: id.replace("acc_", ""),
            lambda id: id.replace("acc_", "acc__"),
            lambda id: id[:-1],
            lambda id: id + "0",
            lambda id: id + " ",
            lambda id: id[:-1] + "U",
            lambda id: id[:-1] + "I",
            lambda id: id[:-1] + "é",
            lambda id: "acc_8" + id[5:],
            lambda id: "",
        ],
    )
    def test_finds_nothing_in_anything_else(self, change):
        assert parse_id("acc", change(new_id("acc"))) is None


class TestNewId:
    def test_sorts_by_the_time_of_the_clock(self):
        ids = []
        for second in range(5):
            with clock.stopped_at(THEN + timedelta(seconds=second)):
                ids.append(new_id("acc"))

        assert ids == sorted(ids)
        assert len(set(ids)) == 5

    def test_sorts_within_an_instant_as_they_were_made(self):
        with clock.stopped_at(THEN):
            ids = [new_id("acc") for _ in range(50)]

        assert ids == sorted(ids)
        assert len(set(ids)) == 50

    def test_says_when(self):
        with clock.stopped_at(THEN):
            value = ULID.from_str(new_id("acc").removeprefix("acc_"))

        assert value.datetime == THEN


class TestPrefixedIdField:
    def test_shows_the_uuid_of_the_column(self, db):
        pod = PodFactory()

        assert Account.objects.filter(id=parse_id("acc", pod.id)).get().id == pod.id

    def test_matches_nothing_when_malformed(self, db):
        PodFactory()

        assert not Account.objects.filter(id__in=["nonsense", "", "acc_", "\x00", new_id("rule")]).exists()

    def test_is_never_saved_malformed(self, acme):
        with pytest.raises(ValueError, match="not an id with the prefix acc_"):
            PodFactory(id="nonsense", organization=acme)

    def test_never_finds_a_row_under_the_id_of_nothing(self, db):
        with pytest.raises(ValueError, match="not an id"):
            PodFactory(id=NO_ROW)


class TestIsLookup:
    def test_is_known_wherever_the_field_is(self):
        assert PrefixedIdField("acc").get_lookup("is").__module__ == PrefixedIdField.__module__

    def test_finds_a_row_by_its_whole_id_alone(self, acme):
        pod = PodFactory(organization=acme)

        assert Account.objects.filter(id__is=pod.id).get() == pod
        assert not Account.objects.filter(id__is=pod.id[:-1]).exists()
        assert not Account.objects.filter(id__is="nonsense").exists()

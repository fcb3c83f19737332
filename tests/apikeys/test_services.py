"""Keys: rotation, permissions, and what happens when two operators do the same at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apikeys import services
from apikeys.entries import parse_permissions
from apikeys.errors import ApiKeyAlreadyRotated, ApiKeyNotFound, ApiKeyNotUsable, InvalidPermission
from apikeys.models import ApiKey, IdempotencyRecord, PermissionEntry
from sequence.core.api.ids import new_id
from sequence.core.transactions import run_in_transaction
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.threads import Crew, in_open_transaction

HOUR = timedelta(hours=1)


def create_key(acme, *permissions: str, **options):
    permissions = parse_permissions(permissions or ALL_PERMISSIONS)
    return services.create_api_key(
        organization=acme, name="Agent", permissions=permissions, created_by="alice", **options
    )


def status_with(token: str) -> int:
    return Api(token).get("/accounts").status_code


class TestCreateApiKey:
    def test_refuses_the_same_permission_twice(self, acme):
        with pytest.raises(InvalidPermission, match="given twice"):
            create_key(acme, "LIST_ACCOUNTS", "LIST_ACCOUNTS")

        assert not ApiKey.objects.exists()


class TestRotateApiKey:
    @pytest.fixture
    def old(self, acme):
        return create_key(acme, rate_limit_per_minute=7)

    def rotate(self, key, overlap=HOUR):
        return services.rotate_api_key(key_id=key.id, overlap=overlap, rotated_by="bob")

    def test_opens_the_new_key_at_once_and_the_old_one_until_the_overlap_ends(self, old, set_clock):
        key, token = old
        now = timezone.now()
        set_clock(now)
        _, new_token = self.rotate(key)

        assert (status_with(token), status_with(new_token)) == (200, 200)
        set_clock(now + HOUR - timedelta(microseconds=1))
        assert (status_with(token), status_with(new_token)) == (200, 200)
        set_clock(now + HOUR)
        assert (status_with(token), status_with(new_token)) == (401, 200)

    def test_closes_the_old_key_at_once_without_overlap(self, old):
        key, token = old
        _, new_token = self.rotate(key, timedelta(0))

        assert (status_with(token), status_with(new_token)) == (401, 200)

    def test_gives_the_same_permissions_and_limits_and_no_more(self, old):
        key, token = old
        new, new_token = self.rotate(key)

        assert new_token != token
        assert new.permissions() == key.permissions() == parse_permissions(ALL_PERMISSIONS)
        assert (new.organization_id, new.name, new.rate_limit_per_minute) == (key.organization_id, "Agent", 7)
        assert (new.lineage_id, new.replaces_id) == (key.id, key.id)
        assert (new.created_by, new.permissions_changed_by) == ("bob", "alice")

    def test_keeps_the_lineage_over_several_rotations(self, old):
        key, _ = old
        second, _ = self.rotate(key)
        third, _ = self.rotate(second)

        assert third.lineage_id == key.id

    def test_is_refused_a_second_time(self, old):
        key, _ = old
        new, _ = self.rotate(key)

        with pytest.raises(ApiKeyAlreadyRotated, match=new.id):
            self.rotate(key)
        assert ApiKey.objects.count() == 2

    @pytest.mark.parametrize("end", ["revoked", "expired"])
    def test_is_refused_of_a_key_that_opens_nothing(self, old, end):
        key, _ = old
        now = timezone.now()
        ApiKey.objects.update(**{"revoked": {"revoked_at": now}, "expired": {"expires_at": now}}[end])

        with pytest.raises(ApiKeyNotUsable):
            self.rotate(key)
        assert ApiKey.objects.count() == 1

    def test_is_refused_of_nothing(self, db):
        for key_id in [new_id("key"), "nonsense"]:
            with pytest.raises(ApiKeyNotFound):
                services.rotate_api_key(key_id=key_id, overlap=HOUR, rotated_by="bob")

    @pytest.mark.parametrize(("left", "overlap", "kept"), [(1, 2, 1), (3, 2, 2)])
    def test_prolongs_no_expiry(self, acme, set_clock, left, overlap, kept):
        now = timezone.now()
        set_clock(now)
        key, _ = create_key(acme, expires_at=now + left * HOUR)

        new, _ = self.rotate(key, overlap * HOUR)

        key.refresh_from_db()
        assert key.expires_at == now + kept * HOUR
        assert new.expires_at == now + left * HOUR


class TestRevokeApiKey:
    def test_keeps_the_first_time_when_repeated(self, acme):
        key, _ = create_key(acme)
        first = services.revoke_api_key(key_id=key.id).revoked_at

        assert services.revoke_api_key(key_id=key.id).revoked_at == first

    def test_of_the_old_key_leaves_its_successor_alone(self, acme):
        key, token = create_key(acme)
        _, new_token = services.rotate_api_key(key_id=key.id, overlap=HOUR, rotated_by="bob")
        services.revoke_api_key(key_id=key.id)

        assert (status_with(token), status_with(new_token)) == (401, 200)


class TestSetPermissions:
    def rewrite(self, key, *permissions):
        services.set_permissions(key_id=key.id, permissions=parse_permissions(permissions), changed_by="bob")

    def test_replaces_all_and_notes_who_answers_for_it(self, acme):
        key, _ = create_key(acme)

        services.set_permissions(key_id=key.id, permissions=parse_permissions(["LIST_RULES"]), changed_by="bob")

        key = ApiKey.objects.get()
        assert [permission.as_text() for permission in key.permissions()] == ["LIST_RULES"]
        assert key.permissions_changed_by == "bob"
        assert key.permissions_changed_at > key.created_at

    def test_touches_only_what_differs(self, acme):
        key, _ = create_key(acme, "LIST_ACCOUNTS", "READ_ACCOUNTS:acc_1", "LIST_RULES")
        events = PermissionEntry.pgh_event_model.objects
        before = events.count()

        self.rewrite(key, "LIST_ACCOUNTS", "READ_ACCOUNTS:acc_1,acc_2", "MANUAL_TRANSFER:*>*")

        changes = events.order_by("pgh_id")[before:]
        assert [(event.pgh_label, event.scope) for event in changes] == [
            ("update", "READ_ACCOUNTS"),
            ("delete", "LIST_RULES"),
            ("insert", "MANUAL_TRANSFER"),
        ]

    def test_lets_no_two_entries_count_together(self, acme):
        key, _ = create_key(acme, "MANUAL_TRANSFER:acc_1>acc_2;day=100")
        [old] = key.permissions()
        # As a form sends it in which one entry was pointed elsewhere, and a new one takes its place.
        moved = replace(old, target="acc_3")

        services.set_permissions(key_id=key.id, permissions=[moved, replace(old, spend_id=None)], changed_by="bob")

        counted = {entry.target: entry.spend_id for entry in PermissionEntry.objects.all()}
        assert counted["acc_2"] == old.spend_id
        assert counted["acc_3"] != old.spend_id

    def test_changes_nothing_when_refused(self, acme):
        key, _ = create_key(acme, "LIST_ACCOUNTS")
        twice = parse_permissions(["LIST_RULES", "LIST_RULES"])

        with pytest.raises(InvalidPermission):
            services.set_permissions(key_id=key.id, permissions=twice, changed_by="bob")

        assert [entry.scope for entry in PermissionEntry.objects.all()] == ["LIST_ACCOUNTS"]
        assert ApiKey.objects.get().permissions_changed_by == "alice"


class TestAtOnce:
    """The row of the key is locked first, so that one operator after the other has a turn."""

    @pytest.fixture
    def key(self, transactional_db, acme):
        return create_key(acme)[0]

    def test_many_rotations_make_one_successor(self, key):
        with Crew(8) as crew:
            results = crew.all_at_once(lambda: services.rotate_api_key(key_id=key.id, overlap=HOUR, rotated_by="bob"))

        refused = [result for result in results if isinstance(result, Exception)]
        assert len(refused) == 7
        assert {type(error) for error in refused} == {ApiKeyAlreadyRotated}
        assert ApiKey.objects.filter(replaces=key).count() == 1

    def test_many_changes_of_permissions_leave_what_one_of_them_said(self, key):
        texts = [f"READ_ACCOUNTS:acc_{number}" for number in range(8)]
        works = [
            lambda text=text: services.set_permissions(
                key_id=key.id, permissions=parse_permissions([text]), changed_by=text
            )
            for text in texts
        ]

        with Crew(8) as crew:
            results = crew.at_once(*works)

        assert not [result for result in results if isinstance(result, Exception)]
        [left] = ApiKey.objects.get().permissions()
        assert left.as_text() == ApiKey.objects.get().permissions_changed_by


class TestPurgeIdempotencyRecords:
    @pytest.fixture
    def records(self, transactional_db, acme, set_clock):
        _, token = create_key(acme)
        now = timezone.now()
        for name, age in [("old", 24), ("older", 48), ("live", 23)]:
            set_clock(now - age * HOUR)
            Api(token).post("/accounts/pods", {"nickname": name}, idempotency_key=name)
        set_clock(now)

    def left(self) -> set[str]:
        return set(IdempotencyRecord.objects.values_list("key", flat=True))

    def purge(self, **options) -> int:
        return run_in_transaction(lambda: services.purge_idempotency_records(**options))

    def test_removes_expired_records(self, records):
        assert self.purge() == 2
        assert self.left() == {"live"}

    def test_removes_live_ones_when_told(self, records):
        assert self.purge(include_live=True) == 3
        assert self.left() == set()

    def test_goes_batch_by_batch(self, records, monkeypatch):
        monkeypatch.setattr(services, "PURGE_BATCH", 1)
        # By such a plan, which PostgreSQL may take by itself, rows that are looked for inside the DELETE are looked for
        # again for each row outside, and what is locked already is skipped.
        with connection.cursor() as cursor:
            for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
                cursor.execute(f"SET enable_{way} = off")

        try:
            assert [self.purge(), self.purge(), self.purge()] == [1, 1, 0]
        finally:
            connection.close()
        assert self.left() == {"live"}

    def test_skips_a_record_that_a_request_is_using(self, records):
        with in_open_transaction(lambda: IdempotencyRecord.objects.select_for_update().get(key="old")):
            assert self.purge() == 1

        assert self.left() == {"old", "live"}

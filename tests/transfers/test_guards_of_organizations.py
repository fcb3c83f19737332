"""What PostgreSQL refuses of rows that belong to several organizations."""

import pytest

from accounts.models import Account
from apikeys.models import ApiKey, PermissionEntry
from tests.factories import PodFactory
from tests.transfers.statements import copy_of, postings_of, refusal, uuid_of
from transfers.models import EntrySet

# Past what the application is refused anyway.
pytestmark = pytest.mark.as_owner


@pytest.fixture
def foreign_pod(globex) -> Account:
    return PodFactory(organization=globex)


class TestOrganizations:
    """Composite foreign keys: a row that crosses from one organization to another cannot be."""

    def test_keep_a_transfers_accounts_to_themselves(self, waiting, foreign_pod):
        for column in ("source_id", "destination_id"):
            words = refusal(copy_of(waiting, **{column: uuid_of(foreign_pod)}))
            assert f"transfers_transfer_{column}_of_same_organization" in words

    def test_keep_a_transfers_key_to_themselves(self, waiting, other_api, globex):
        key = ApiKey.objects.get(organization=globex)

        words = refusal(copy_of(waiting, api_key_id=uuid_of(key)))

        assert "transfers_transfer_api_key_id_of_same_organization" in words

    def test_keep_entry_sets_to_themselves(self, waiting, globex):
        sql = (
            "INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at) VALUES (%s, %s, %s, now())"
        )
        two_clearing_postings = (
            "INSERT INTO transfers_posting (organization_id, entry_set_id, clearing, amount_cents, posted_at)"
            " SELECT organization_id, id, 'ach', cents, now() FROM transfers_entryset, unnest(ARRAY[-1, 1]) cents"
            " WHERE id = (SELECT MAX(id) FROM transfers_entryset)"
        )

        words = refusal((sql, [uuid_of(globex), "settlement", uuid_of(waiting)]), (two_clearing_postings, []))

        assert "transfers_entryset_transfer_id_of_same_organization" in words

    def test_keep_postings_to_themselves(self, settled, globex, foreign_pod, acme):
        one = EntrySet.objects.get(transfer=settled)
        elsewhere = postings_of(one, globex, (None, "ach", 1), (None, "ach", -1))
        on_theirs = postings_of(one, acme, (foreign_pod, None, 1), (None, "ach", -1))

        assert "transfers_posting_entry_set_id_of_same_organization" in refusal(elsewhere)
        assert "transfers_posting_account_id_of_same_organization" in refusal(on_theirs)

    def test_keep_permission_entries_to_themselves(self, api, globex):
        entry = PermissionEntry.objects.first()
        sql = "UPDATE apikeys_permissionentry SET organization_id = %s WHERE id = %s"

        assert "apikeys_permissionentry_key_of_same_organization" in refusal((sql, [uuid_of(globex), entry.id]))

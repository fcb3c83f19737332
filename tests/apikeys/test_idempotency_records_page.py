"""The page of the answers that are kept for repeated requests."""

import re

import pytest
from django.utils import timezone

from apikeys.models import IdempotencyRecord
from tests.staff import list_of, messages_of, page_of, seen_on, sign_in


class TestIdempotencyRecords:
    @pytest.fixture
    def record(self, api):
        self.repeat = lambda: api.post("/accounts/income-sources", {"nickname": "Pay"}, idempotency_key="pay-1")
        self.repeat()
        return IdempotencyRecord.objects.get()

    def run(self, staff, action, *records, **fields):
        sent = {"action": action, "_selected_action": [record.pk for record in records], **fields}
        if "confirmed" in fields:
            asked = staff.post(list_of(IdempotencyRecord), {**sent, "confirmed": None})
            sent["seen"] = seen_on(asked)
        return staff.post(list_of(IdempotencyRecord), sent, follow=True)

    @pytest.mark.parametrize("field", ["key", "request_id", "organization_id"])
    def test_are_found_by_key_request_and_organization(self, staff, record, field):
        found = staff.get(list_of(IdempotencyRecord), {"q": getattr(record, field)})
        missed = staff.get(list_of(IdempotencyRecord), {"q": f"{getattr(record, field)}x"})

        assert list(found.context["cl"].result_list) == [record]
        assert list(missed.context["cl"].result_list) == []

    def test_show_their_bodies_readable_and_masked(self, staff, record):
        masked = record.response_body
        unmasked = re.sub(r'("bank_account_number": *)"[^"]*"', r'\1"000123456789"', masked)
        assert unmasked != masked
        IdempotencyRecord.objects.update(response_body=unmasked)
        page = staff.get(page_of(record)).content.decode()

        assert "&quot;nickname&quot;: &quot;Pay&quot;" in page
        assert "••••6789" in page
        assert "000123456789" not in page

    @pytest.mark.parametrize("action", ["expire", "purge"])
    def test_ask_before_their_keys_are_freed(self, staff, record, action):
        response = self.run(staff, action, record)

        assert "executes again" in response.content.decode()
        assert self.repeat().headers["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize(("action", "label"), [("expire", "Expire"), ("purge", "Purge")])
    def test_free_their_keys_when_confirmed(self, staff, record, action, label):
        response = self.run(staff, action, record, confirmed="yes")

        assert messages_of(response) == [f"{label}: 1 of 1 records."]
        assert IdempotencyRecord.objects.filter(expires_at__gt=timezone.now()).count() == 0
        assert "Idempotent-Replayed" not in self.repeat().headers

    def test_name_the_record_and_the_person_on_the_trail(self, staff, record):
        self.run(staff, "purge", record, confirmed="yes")
        page = staff.get("/admin/sequence/audittrail/", {"actor": "staff:ann"}).content.decode()

        assert "Idempotency record purged" in page
        assert record.request_id in page

    @pytest.mark.parametrize("action", ["expire", "purge"])
    def test_stay_without_the_permission(self, record, action):
        staff = sign_in("apikeys.view_idempotencyrecord")

        assert f'value="{action}"' not in staff.get(list_of(IdempotencyRecord)).content.decode()
        self.run(staff, action, record, confirmed="yes")
        assert self.repeat().headers["Idempotent-Replayed"] == "true"

    def test_are_edited_by_nobody(self, staff, record):
        assert staff.post(page_of(record), {"response_body": "{}"}).status_code == 403
        assert staff.post(page_of(record, "delete"), {"post": "yes"}).status_code == 403

"""The audit log's pages: its list with filters, an entry, verifying, and the ways between log and trail."""

import pytest
from django.core.management import call_command

from apikeys.models import ApiKey
from sequence.audit_log import health
from sequence.audit_log.health import audit_log
from sequence.core import clock
from sequence.core.admin.console import ConsoleQuery
from sequence.core.admin.timeline import address_of
from sequence.core.audit_log.checking import check_and_note
from sequence.core.audit_log.models import AuditEntry
from tests.audit_log.test_verify import CHANGE, execute
from tests.core.audit_log.logs import seal, write
from tests.staff import page_of, sign_in

LIST = "/admin/sequence/auditentry/"


@pytest.fixture
def viewer(db):
    return sign_in("sequence.view_auditentry", "sequence.view_audittrail", name="viewer")


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


class TestList:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"GET_KEY", "CREATE_RULE"}),
            ("?organization=Acme", {"GET_KEY"}),
            ("?actor=staff:ann", {"CREATE_RULE"}),
            ("?action=GET_KEY", {"GET_KEY"}),
            ("?outcome=failure", {"CREATE_RULE"}),
            ("?via=api", {"GET_KEY", "CREATE_RULE"}),
            ("?via=mcp", set()),
            ("?request=r-1", {"GET_KEY"}),
            ("?created_from=2020-01-01&created_to=2020-01-02", set()),
        ],
    )
    def test_is_narrowed_by_each_filter(self, viewer, acme, globex, query, found):
        write(acme, action="GET_KEY", request_id="r-1")
        write(globex, action="CREATE_RULE", actor="staff:ann", is_failure=True, error_code="not_found")

        shown = text(viewer.get(LIST + query.replace("created_", "")))

        assert {action for action in ("GET_KEY", "CREATE_RULE") if f">{action}<" in shown} == found

    def test_shows_what_is_not_sealed_yet(self, viewer, acme):
        write(acme)
        assert "not sealed yet" in text(viewer.get(LIST))

        seal()
        assert "not sealed yet" not in text(viewer.get(LIST))

    def test_can_be_exported(self, viewer, transactional_db, acme):
        [entry] = write(acme)

        lines = b"".join(viewer.get(f"{LIST}export/").streaming_content).decode()
        assert entry.id in lines


class TestEntry:
    def test_shows_its_seal_and_leads_to_what_the_request_changed(self, viewer, acme):
        write(acme, request_id="r-1")
        seal()
        entry = AuditEntry.objects.get()

        shown = text(viewer.get(page_of(entry)))

        assert bytes(entry.hash).hex() in shown
        assert "/admin/sequence/audittrail/?request_id=r-1" in shown
        assert "/admin/search/?q=r-1" in shown

    def test_is_found_from_the_trail_and_from_the_search(self, client_with, viewer):
        client_with("LIST_ACCOUNTS")
        key = ApiKey.objects.get()
        call_command("pause_api_key", key.id)
        entry = AuditEntry.objects.get()

        trail = text(viewer.get(f"/admin/sequence/audittrail/?request_id={entry.request_id}"))
        assert f"{LIST}?request={entry.request_id}" in trail
        assert address_of(entry) in text(viewer.get(f"/admin/search/?q={entry.request_id}"))

    def test_is_reached_from_key_and_organization(self, client_with, acme):
        client_with("LIST_ACCOUNTS")
        root = sign_in(name="root", is_superuser=True)

        assert f"{LIST}?organization={acme.id}" in text(root.get(page_of(acme)))
        assert f"{LIST}?actor=key%3A{ApiKey.objects.get().id}" in text(root.get(page_of(ApiKey.objects.get())))


class TestVerifyNow:
    def test_says_that_all_is_as_it_was_or_what_is_not(self, viewer, acme):
        write(acme, 4)
        seal()
        entry = AuditEntry.objects.latest("sequence")

        told = text(viewer.post(page_of(entry, "verify"), follow=True))
        assert "All 4 entries of Acme are as they were sealed." in told

        execute(CHANGE)
        told = text(viewer.post(page_of(entry, "verify"), follow=True))
        assert "The audit log of Acme is wrong: entry 3, changed." in told


class TestHealth:
    @pytest.fixture
    def look(self):
        return lambda: audit_log(ConsoleQuery(clock.now()))

    def test_is_good_while_all_is_sealed(self, acme, look):
        write(acme, 4)
        seal()
        assert (look().tone, "not verified yet" in look().words) == ("good", True)

        check_and_note(acme.id)
        assert (look().tone, look().words) == ("good", "Sealed, last verified just now.")

    def test_is_bad_when_entries_wait(self, acme, look, set_clock):
        now = clock.now()
        write(acme)
        assert look().tone == "good"

        set_clock(now + health.LATE * 2)
        assert (look().tone, "wait for their numbers" in look().words) == ("bad", True)

    def test_is_bad_when_a_chain_is_broken(self, acme, look):
        write(acme, 4)
        seal()
        execute(CHANGE)
        check_and_note(acme.id)

        assert look().tone == "bad"
        assert "Entry 3 of Acme is changed." in look().words

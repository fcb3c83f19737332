"""The audit log as its readers see it: what is sealed, newest first, their own organization's alone."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from apikeys.models import ApiKey
from sequence.core import clock
from sequence.core.audit_log.chain import signed_part
from sequence.core.audit_log.models import AuditSigningKey
from sequence.core.audit_log.reads import reads
from sequence.core.audit_log.signing import add_signing_key
from tests.core.audit_log.logs import seal, write


@pytest.fixture
def listed(api):
    def ask(query="", status=200):
        answer = api.get(f"/audit-logs{query}")
        assert answer.status_code == status
        return answer.json()["data"] if status == 200 else answer.json()["error"]

    return ask


class TestList:
    def test_shows_an_entry_in_the_fields_of_the_contract(self, api, acme, listed):
        api.get("/accounts")
        reads.flush()
        seal()

        [entry] = listed()
        assert list(entry) == [
            "sequence",
            "id",
            "created_at",
            "organization_id",
            "actor",
            "via",
            "action",
            "method",
            "path",
            "outcome",
            "status",
            "error_code",
            "request_id",
            "reason",
            "resource",
            "previous_hash",
            "hash",
        ]
        assert (entry["sequence"], entry["actor"]) == (1, f"key:{ApiKey.objects.get().id}")
        assert entry["organization_id"] == acme.id

    def test_shows_only_what_is_sealed_and_the_callers_own(self, acme, globex, listed):
        write(acme, 2), write(globex), write(None)
        assert listed() == []

        seal()
        write(acme)
        assert [entry["sequence"] for entry in listed()] == [2, 1]

    def test_goes_on_page_by_page(self, api, acme):
        write(acme, 5)
        seal()
        seen, after = [], ""
        for _ in range(3):
            answer = api.get(f"/audit-logs?first=2{after}").json()
            seen += [entry["sequence"] for entry in answer["data"]]
            after = f"&after={answer['page_info']['end_cursor']}"
            write(acme)
            seal()

        assert seen == [5, 4, 3, 2, 1]
        assert answer["page_info"]["has_next_page"] is False
        assert api.get("/audit-logs?after=nonsense").json()["error"]["details"][0]["code"] == "bad_cursor"

    def test_is_narrowed_by_each_filter(self, acme, listed):
        now = clock.now()
        write(acme, action="GET_KEY", request_id="r-1", created_at=now - timedelta(days=2))
        write(acme, actor="key:key_01M88S84EYGFVWFW4MTJ3PMM82", is_failure=True, created_at=now)
        seal()
        at = (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

        for query, found in [
            ("?action=GET_KEY", [1]),
            ("?outcome=failure", [2]),
            ("?request_id=r-1", [1]),
            ("?api_key_id=key_01M88S84EYGFVWFW4MTJ3PMM82", [2]),
            ("?api_key_id=nonsense", []),
            (f"?from={at}", [2]),
            (f"?to={at}", [1]),
            (f"?to={at}&outcome=failure", []),
        ]:
            assert [entry["sequence"] for entry in listed(query)] == found
        assert listed("?outcome=other", 400)["details"][0]["field"] == "outcome"
        assert listed("?from=yesterday", 400)["details"][0]["field"] == "from"


class TestHead:
    def test_is_signed_by_a_key_that_is_published(self, api, acme):
        write(acme, 3)
        seal()

        head = api.get("/audit-logs/head").json()["data"]
        [key] = api.get("/audit-logs/keys").json()["data"]

        assert list(head) == ["organization_id", "sequence", "hash", "signed_at", "key_id", "signature"]
        assert (head["organization_id"], head["sequence"], head["key_id"]) == (acme.id, 3, "ak1")
        assert head["hash"] == api.get("/audit-logs?first=1").json()["data"][0]["hash"]
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"]))
        public.verify(base64.b64decode(head["signature"]), signed_part(head))

    def test_of_an_empty_log_is_thirty_two_zero_bytes(self, api):
        head = api.get("/audit-logs/head").json()["data"]

        assert (head["sequence"], head["hash"]) == (0, "00" * 32)

    def test_is_signed_by_the_newest_key(self, api):
        api.get("/audit-logs/head")
        add_signing_key()

        assert api.get("/audit-logs/head").json()["data"]["key_id"] == "ak2"
        assert [key["key_id"] for key in api.get("/audit-logs/keys").json()["data"]] == ["ak1", "ak2"]

    def test_keeps_the_private_key_encrypted(self, api):
        api.get("/audit-logs/head")

        [stored] = AuditSigningKey.objects.values_list("private_key", flat=True)
        assert len(base64.b64decode(stored.decrypt())) == 32
        assert stored.decrypt() not in stored

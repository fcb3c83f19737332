"""X-Request-ID: echoed when it is well formed, made when it is absent, refused otherwise."""

import logging
import re

import pytest

from accounts.models import Account
from tests.client import Api

MADE = re.compile("req_[0-9A-HJKMNP-TV-Z]{26}")


class TestRequestId:
    @pytest.mark.parametrize(
        "given", ["a", "0", "x" * 128, "AZaz09._:/|-", "4b1f5a0e-2f0d-4b7a-9d5c-1a2b3c4d5e6f", "../../etc/passwd", "."]
    )
    def test_is_echoed_in_header_and_body(self, api, given):
        response = api.get("/accounts", headers={"X-Request-ID": given})

        assert response.status_code == 200
        assert response.headers["X-Request-ID"] == response.json()["request_id"] == given

    def test_is_made_when_absent_and_differs_each_time(self, api):
        made = {api.get("/accounts").json()["request_id"] for _ in range(5)}

        assert len(made) == 5
        assert all(MADE.fullmatch(id) for id in made)

    @pytest.mark.parametrize(
        "given",
        [
            "",
            " ",
            "x" * 129,
            "two words",
            "tab\there",
            "é",
            "a,b",
            "a\x00b",
            'a"b',
            "a%20b",
            "a\nb",
            "a\n",
            "{x}",
            "<b>",
        ],
    )
    def test_is_refused_under_a_made_one(self, api, given, caplog):
        caplog.set_level(logging.INFO)
        response = api.post("/accounts/pods", {"nickname": "Rent"}, headers={"X-Request-ID": given})

        body = response.json()
        assert response.status_code == 400
        assert body["error"]["code"] == "invalid_request"
        assert body["error"]["details"] == [
            {
                "field": "X-Request-ID",
                "code": "invalid",
                "message": "Use 1 to 128 characters of A-Z a-z 0-9 . _ : / | -",
            }
        ]
        assert MADE.fullmatch(body["request_id"])
        assert response.headers["X-Request-ID"] == body["request_id"]
        assert all(
            record.msg["request_id"] == body["request_id"] for record in caplog.records if "sequence" in record.name
        )
        assert not Account.objects.exists()

    def test_is_echoed_in_every_refusal(self, db):
        for path, status in [("/accounts", 401), ("/nothing", 404), ("/accounts/pods", 405)]:
            response = Api(None).get(path, headers={"X-Request-ID": "mine"})

            assert response.status_code == status
            assert response.headers["X-Request-ID"] == response.json()["request_id"] == "mine"

    def test_is_made_for_a_bad_one_without_a_key_too(self, db):
        response = Api(None).get("/accounts", headers={"X-Request-ID": "no good"})

        assert response.status_code == 401
        assert MADE.fullmatch(response.json()["request_id"])

    def test_does_not_stay_for_the_next_request(self, api, caplog):
        caplog.set_level(logging.INFO)
        api.get("/accounts", headers={"X-Request-ID": "first"})
        Api(None).get("/accounts")

        last = [record.msg for record in caplog.records if record.name == "sequence.requests"][-1]
        assert MADE.fullmatch(last["request_id"])
        assert "key_id" not in last


class TestRequestLine:
    @pytest.mark.parametrize(
        ("path", "count"), [("/static/sequence/pages.css", 0), ("/static/nothing.css", 1), ("/llms.txt", 1)]
    )
    def test_is_written_of_all_but_the_files_of_pages(self, client, caplog, path, count):
        caplog.set_level(logging.INFO, logger="sequence.requests")
        client.get(path)

        assert [record.name for record in caplog.records].count("sequence.requests") == count

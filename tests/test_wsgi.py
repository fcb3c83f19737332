"""The application as a web server calls it."""

import io
import json
from wsgiref.util import setup_testing_defaults

import pytest

from sequence.wsgi import application
from tests.factories import PodFactory


def call(method: str, path: str, query: str, **environ: str) -> tuple[str, dict[str, str], bytes]:
    """Send a request to the application and return status, headers and body."""
    answer = []
    sent = {"REQUEST_METHOD": method, "PATH_INFO": f"/api/v1{path}", "QUERY_STRING": query, **environ}
    setup_testing_defaults(sent)
    sent["wsgi.input"] = io.BytesIO(b"{}")
    response = application(sent, lambda status, headers: answer.extend([status, dict(headers)]))
    body = b"".join(response)
    response.close()
    return answer[0], answer[1], body


class TestApplication:
    @pytest.fixture
    def authorization(self, transactional_db, api, acme):
        PodFactory(organization=acme, name="Rent")
        return api.headers["Authorization"]

    def test_answers(self, authorization):
        status, headers, body = call("GET", "/accounts", "type=pod", HTTP_AUTHORIZATION=authorization)

        assert status == "200 OK"
        assert headers["X-Request-ID"] == json.loads(body)["request_id"]
        assert [account["name"] for account in json.loads(body)["data"]] == ["Rent"]

    @pytest.mark.parametrize("charset", ["hex", "rot13", "undefined", "utf-16", "idna", "nonsense", "utf-8"])
    def test_reads_the_query_as_utf8_whatever_charset_the_content_type_claims(self, authorization, charset):
        declared = {"CONTENT_TYPE": f"application/json; charset={charset}", "HTTP_AUTHORIZATION": authorization}

        status, _, body = call("GET", "/accounts", "type=pod", **declared)
        assert status == "200 OK"
        assert len(json.loads(body)["data"]) == 1
        status, _, body = call("GET", "/accounts", "tüpe=pod", **declared)
        assert status == "400 Bad Request"

    def test_refuses_a_body_in_a_charset_that_is_none(self, authorization):
        declared = {"CONTENT_TYPE": "application/json; charset=hex", "CONTENT_LENGTH": "2"}

        status, _, body = call("POST", "/accounts/pods", "a=1", HTTP_AUTHORIZATION=authorization, **declared)

        assert status == "415 Unsupported Media Type"
        assert json.loads(body)["error"]["code"] == "unsupported_media_type"

"""A body is one strict JSON object, or it is refused and nothing happens."""

import io
import json
from contextlib import suppress
from decimal import Decimal

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from sequence.core.api.bodies import MAX_BYTES, MAX_DEPTH, parse_object, read_body
from sequence.core.errors import InvalidRequest

PODS = "/accounts/pods"


def nested(containers: int, innermost: str = "[]") -> bytes:
    return b'{"a":' + b"[" * (containers - 2) + innermost.encode() + b"]" * (containers - 2) + b"}"


MALFORMED = {
    "cut off": b'{"nickname": "Rent"',
    "not JSON": b"nickname=Rent",
    "single quotes": b"{'nickname': 'Rent'}",
    "a trailing comma": b'{"nickname": "Rent",}',
    "two objects": b'{"nickname": "Rent"} {}',
    "a comment": b'{"nickname": "Rent"} // hi',
    "white space alone": b"   ",
    "a byte order mark": b'\xef\xbb\xbf{"nickname": "Rent"}',
    "UTF-16": '{"nickname": "Rent"}'.encode("utf-16"),
    "invalid UTF-8": b'{"nickname": "Rent\xff"}',
    "an overlong UTF-8 form": b'{"nickname": "Rent\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"nickname": "\xed\xa0\x80"}',
    "a raw control character": b'{"nickname": "Re\nnt"}',
    "a NUL": b'{"nickname": "Re\\u0000nt"}',
    "a NUL in a key": b'{"nickname": "Rent", "a\\u0000": 1}',
    "a raw NUL": b'{"nickname": "Re\x00nt"}',
    "half a surrogate pair": b'{"nickname": "Rent \\ud83d"}',
    "the other half": b'{"nickname": "Rent \\udd11"}',
    "half a surrogate pair in a key": b'{"nickname": "Rent", "\\ud800": 1}',
    "half a surrogate pair deep inside": b'{"nickname": "Rent", "a": [{"b": ["\\ud800"]}]}',
    "a repeated key": b'{"nickname": "Rent", "nickname": "Food"}',
    "a repeated key in another spelling": b'{"nickname": "Rent", "nick\\u006eame": "Rent"}',
    "a repeated key inside": b'{"nickname": "Rent", "a": {"b": 1, "b": 1}}',
    "a repeated key that is half a surrogate pair": b'{"\\ud800": 1, "\\ud800": 1}',
    "NaN": b'{"nickname": NaN}',
    "Infinity": b'{"nickname": Infinity}',
    "negative infinity": b'{"nickname": -Infinity}',
    "a float out of range": b'{"nickname": "Rent", "savings_target_in_cents": 1e999}',
    "a negative float out of range": b'{"nickname": "Rent", "savings_target_in_cents": -1e999}',
    "an integer of 5000 digits": b'{"nickname": "Rent", "savings_target_in_cents": ' + b"9" * 5000 + b"}",
    "an integer of 4000 digits": b'{"nickname": "Rent", "savings_target_in_cents": ' + b"9" * 4000 + b"}",
    "a leading zero": b'{"nickname": "Rent", "savings_target_in_cents": 010}',
    "a plus sign": b'{"nickname": "Rent", "savings_target_in_cents": +10}',
    "too much depth": nested(MAX_DEPTH + 1),
    "depth that overflows a stack": nested(100_000),
    "objects that overflow a stack": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an open end that overflows a stack": b'{"a":' + b"[" * 500_000,
    "a list": b'[{"nickname": "Rent"}]',
    "a text": b'"Rent"',
    "a number": b"5",
    "true": b"true",
    "null": b"null",
}


class TestBody:
    @pytest.fixture(autouse=True)
    def _counts(self, api):
        self.api = api

    @pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
    @pytest.mark.parametrize("idempotency_key", [None, "once"])
    def test_is_refused_with(self, raw, idempotency_key):
        response = self.api.post(PODS, raw=raw, idempotency_key=idempotency_key)

        assert response.status_code == 400
        assert response.json()["error"]["code"] == "invalid_request"
        assert not Account.objects.exists()

    def test_names_the_key_that_stands_twice(self):
        response = self.api.post(PODS, raw=b'{"nickname": "Rent", "nickname": "Food"}')

        assert response.json()["error"]["details"] == [
            {"field": "nickname", "code": "repeated", "message": "This key stands twice in one object."}
        ]

    @pytest.mark.parametrize(
        ("raw", "field"),
        [
            (b'{"nickname": "Re\\u0000nt"}', "nickname"),
            (b'{"nickname": "Rent", "description": "\\ud83d"}', "description"),
            (b'{"nickname": "Rent", "steps": [1, {"actions": [{"type": "\\u0000"}]}]}', "steps[1].actions[0].type"),
            (b'{"nickname": "Rent", "a\\u0000b": 1}', "a?b"),
            (b'{"nickname": "Rent", "a": {"\\ud800": 1}}', "a.?"),
        ],
    )
    def test_names_the_field_whose_text_cannot_be_stored(self, raw, field):
        response = self.api.post(PODS, raw=raw)

        [detail] = response.json()["error"]["details"]
        assert (response.status_code, detail["field"], detail["code"]) == (400, field, "control_character")

    def test_says_where_json_ends_to_make_sense(self):
        response = self.api.post(PODS, raw=b'{\n"nickname": }')

        assert response.json()["error"]["message"] == "The body is not JSON: Expecting value at line 2, column 13."

    def test_may_use_every_character_that_text_has(self):
        response = self.api.post(PODS, raw=b'{"nickname": "\\ud83d\\ude00 \xf0\x9f\x98\x80 \\u00e9"}')

        assert response.json()["data"]["name"] == "😀 😀 é"

    def test_counts_as_empty_object_when_absent(self):
        response = self.api.post(PODS, content_type="text/plain")

        assert response.status_code == 400
        assert response.json()["error"]["details"][0] == {
            "field": "nickname",
            "code": "required",
            "message": "This field is required.",
        }

    def test_may_be_exactly_one_mebibyte(self):
        body = b'{"nickname": "Rent"'
        padded = body + b" " * (MAX_BYTES - len(body) - 1) + b"}"
        assert len(padded) == 1024 * 1024

        assert self.api.post(PODS, raw=padded).status_code == 201

    def test_is_too_large_with_one_byte_more(self):
        body = b'{"nickname": "Rent"'
        padded = body + b" " * (MAX_BYTES - len(body)) + b"}"

        response = self.api.post(PODS, raw=padded)

        assert response.status_code == 413
        assert response.json()["error"] == {
            "code": "payload_too_large",
            "message": "The body is larger than 1048576 bytes.",
        }
        assert not Account.objects.exists()

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            'application/json; charset="utf-8"',
            "application/json; charset=utf8",
            "application/json; charset=us-ascii",
            "Application/JSON",
        ],
    )
    def test_may_be_declared_as(self, content_type):
        assert self.api.post(PODS, {"nickname": "Rent"}, content_type=content_type).status_code == 201

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-16",
            "application/json; charset=latin-1",
            "application/json; charset=nonsense",
            "application/vnd.api+json",
        ],
    )
    def test_is_refused_when_declared_as(self, content_type):
        response = self.api.post(PODS, {"nickname": "Rent"}, content_type=content_type)

        assert response.status_code == 415
        assert response.json()["error"]["code"] == "unsupported_media_type"
        assert not Account.objects.exists()

    @pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "x" * 100])
    def test_is_refused_when_it_is_compressed_and_told_so(self, coding):
        response = self.api.post(PODS, {"nickname": "Rent"}, headers={"Content-Encoding": coding})

        assert response.status_code == 415
        assert coding[:40] in response.json()["error"]["message"]
        assert len(response.json()["error"]["message"]) < 200

    def test_may_say_that_it_is_as_it_is(self):
        assert self.api.post(PODS, {"nickname": "Rent"}, headers={"Content-Encoding": "identity"}).status_code == 201

    def test_is_refused_when_its_type_is_given_twice(self):
        response = self.api.post(PODS, {"nickname": "Rent"}, content_type="application/json, application/json")

        assert response.status_code == 400
        assert response.json()["error"]["details"][0]["field"] == "Content-Type"

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    @pytest.mark.parametrize(
        ("raw", "content_type"),
        [(b"{", "application/json"), (b"\x00\xff", "text/plain"), (b"x" * (MAX_BYTES + 1), "application/json")],
    )
    def test_of_get_and_delete_is_ignored(self, method, raw, content_type):
        account_id = self.api.post(PODS, {"nickname": "Rent"}).json()["data"]["id"]

        response = self.api.request(method, f"/accounts/{account_id}", raw=raw, content_type=content_type)

        assert response.status_code == {"GET": 200, "DELETE": 204}[method]


class TestChunkedBody:
    """No Content-Length: the server marks the end."""

    def post(self, api, raw: bytes, content_type: str = "application/json"):
        headers = {**api.headers, "Transfer-Encoding": "chunked"}
        environ = {"wsgi.input": io.BytesIO(raw)}
        return api.client.generic(
            "POST", f"/api/v1{PODS}", content_type=content_type, headers=headers, CONTENT_TYPE=content_type, **environ
        )

    def test_is_read(self, api):
        response = self.post(api, b'{"nickname": "Rent"}')

        assert response.status_code == 201
        assert response.json()["data"]["name"] == "Rent"

    def test_is_refused_beyond_one_mebibyte(self, api):
        response = self.post(api, b'{"nickname": "Rent"}' + b" " * MAX_BYTES)

        assert response.status_code == 413
        assert not Account.objects.exists()

    def test_needs_its_media_type_too(self, api):
        assert self.post(api, b'{"nickname": "Rent"}', "text/plain").status_code == 415


class TestReadBody:
    @pytest.mark.parametrize("length", ["many", "-5", "1e3"])
    def test_refuses_a_content_length_that_is_no_number(self, length):
        request = RequestFactory().post("/", b"{}", content_type="application/json")
        request.META["CONTENT_LENGTH"] = length

        with pytest.raises(InvalidRequest):
            read_body(request)


class TestParseObject:
    def test_takes_as_many_levels_as_anybody_means(self):
        assert parse_object(nested(MAX_DEPTH))

    json_values = st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )

    @given(st.dictionaries(st.text(), json_values, max_size=5))
    def test_returns_what_was_sent_or_refuses_a_nul(self, body):
        raw = json.dumps(body).encode()
        if "\\u0000" in json.dumps(body).replace("\\\\", ""):
            with pytest.raises(InvalidRequest):
                parse_object(raw)
        else:
            assert parse_object(raw) == json.loads(raw, parse_float=Decimal)

    @given(st.binary(max_size=200))
    def test_refuses_or_reads_any_bytes_and_never_breaks(self, raw):
        body = None
        with suppress(InvalidRequest):
            body = parse_object(raw)

        assert body is None or json.loads(raw, parse_float=Decimal) == body

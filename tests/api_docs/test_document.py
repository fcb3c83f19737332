"""The OpenAPI document: complete, valid, and made from the declarations that answer."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema

from apikeys.viewsets import KeyedViewSet
from sequence.core.api.openapi.document import OWN_PREFIX, document
from tests.api_docs.conformance import faults, follow, forget_document, operations
from tests.client import Api
from tests.threads import Crew


def _routes(
    resolver: URLResolver | None = None, prefix: str = "/"
) -> Iterator[tuple[str, str, type[KeyedViewSet], str]]:
    """Yield (path, METHOD, viewset, action) of every keyed address, of ``/api/v1``, from the URL configuration."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, path)
        elif isinstance(pattern, URLPattern) and issubclass(getattr(pattern.callback, "cls", object), KeyedViewSet):
            shown = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
            for method, action in pattern.callback.actions.items():
                if method != "head" and shown.startswith(OWN_PREFIX):
                    yield shown, method.upper(), pattern.callback.cls, action


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _each(operation: tuple[str, str, dict[str, Any]]) -> str:
    return f"{operation[0]} {operation[1]}"


class TestMakingIt:
    def test_by_two_threads_of_a_new_process_at_once_makes_it_whole(self):
        known = document()
        forget_document()
        with Crew(2) as crew:
            assert crew.all_at_once(document) == [known, known]


class TestDocument:
    def test_is_valid_openapi_3_1(self):
        assert document()["openapi"].startswith("3.1.")
        validate_schema(document())

    def test_has_every_route_and_no_other(self):
        assert {(path, method) for path, method, _, _ in _routes()} == {
            (path, method) for method, path, _ in operations()
        }

    def test_refers_only_to_what_it_has(self):
        for reference in set(_references(document())):
            assert follow({"$ref": reference})

    def test_names_each_operation_once(self):
        counts = Counter(operation["operationId"] for _, _, operation in operations())
        assert [name for name, count in counts.items() if count > 1] == []

    def test_uses_every_component(self):
        used = set(_references(document()))
        components = {
            f"#/components/{kind}/{name}" for kind, items in document()["components"].items() for name in items
        }
        assert components - used == {"#/components/securitySchemes/ApiKeyAuth"}

    def test_explains_the_scopes_in_its_introduction(self):
        introduction = document()["info"]["description"]
        assert "| `MANUAL_TRANSFER` |" in introduction
        assert "$" not in introduction


class TestRoute:
    @pytest.mark.parametrize("route", list(_routes()), ids=lambda route: f"{route[1]} {route[0]}")
    def test_tells_the_scope_that_its_table_demands(self, route):
        path, method, viewset, action = route
        operation = document()["paths"][path][method.lower()]
        scope = getattr(viewset, action).operation.scope

        assert operation.get("x-required-scope") == (scope and scope.value)
        assert (f"`{scope.value}`" if scope else "Any valid key") in operation["description"]
        assert operation["security"] == [{"ApiKeyAuth": []}]


@pytest.mark.parametrize("described", operations(), ids=_each)
class TestOperation:
    def test_has_what_a_reader_needs(self, described):
        _, _, operation = described
        assert operation["summary"]
        assert operation["tags"]
        assert {"400", "401", "403", "406", "429", "500"} <= set(operation["responses"])

    def test_describes_each_parameter_of_its_path(self, described):
        _, path, operation = described
        parameters = [follow(parameter) for parameter in operation["parameters"]]
        in_path = [parameter for parameter in parameters if parameter["in"] == "path"]

        assert [parameter["name"] for parameter in in_path] == re.findall(r"{(\w+)}", path)
        # A parameter named after its model gets the pattern of its id.
        assert all("pattern" in parameter["schema"] for parameter in in_path)

    def test_takes_the_headers_of_its_method(self, described):
        method, path, operation = described
        parameters = {follow(parameter)["name"] for parameter in operation["parameters"]}
        assert "X-Request-ID" in parameters
        assert ("Idempotency-Key" in parameters) == (method != "GET" and not path.endswith("/dry-run"))

    def test_refuses_fields_that_it_does_not_name(self, described):
        method, _, operation = described
        if "requestBody" in operation:
            assert method in {"POST", "PUT", "PATCH"}
            body = follow(operation["requestBody"]["content"]["application/json"]["schema"])
            assert body["additionalProperties"] is False

    def test_shows_examples_that_fit(self, described):
        _, _, operation = described
        contents = [operation["requestBody"]] if "requestBody" in operation else []
        contents += [response for response in operation["responses"].values() if "content" in response]
        for content in contents:
            shown = content["content"]["application/json"]
            for example in shown.get("examples", {}).values():
                assert faults(example["value"], shown["schema"]) == []


class TestSchemaAddress:
    def test_answers_json_without_a_key(self):
        response = Api(None).get("/schema")
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json"
        assert response.json() == document()

    @pytest.mark.parametrize(
        ("address", "headers"), [("/schema?format=yaml", {}), ("/schema", {"Accept": "application/yaml"})]
    )
    def test_answers_yaml_when_asked_to(self, address, headers):
        response = Api(None, **headers).get(address)
        assert response.headers["Content-Type"] == "application/yaml"
        assert yaml.load(response.content, yaml.CSafeLoader) == document()

    def test_answers_what_curl_and_browsers_accept(self):
        for accept in ["*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"]:
            assert Api(None, Accept=accept).get("/schema").headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        ("method", "address", "headers", "status", "code"),
        [
            ("POST", "/schema", {}, 405, "method_not_allowed"),
            ("DELETE", "/schema", {}, 405, "method_not_allowed"),
            ("GET", "/schema", {"Accept": "text/html"}, 406, "not_acceptable"),
            ("GET", "/schema", {"X-Request-ID": "a b"}, 400, "invalid_request"),
            ("GET", "/schema?format=xml", {}, 400, "invalid_request"),
            ("GET", "/schema?lang=de", {}, 400, "invalid_request"),
            ("GET", "/schema/", {}, 404, "not_found"),
        ],
    )
    def test_refuses_in_the_envelope(self, method, address, headers, status, code):
        response = Api(None, **headers).request(method, address)
        assert response.status_code == status
        assert response.json()["error"]["code"] == code
        assert (response.headers.get("Allow") == "GET, HEAD") == (status == 405)

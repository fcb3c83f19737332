"""The dialect's own OpenAPI document: made from the declarations, valid, and of every operation."""

import json

from django.test import Client
from drf_spectacular.validation import validate_schema

from sequence.core.api.openapi.document import document, document_of
from sequence.platform.operations import PREFIX
from sequence.platform.table import OPERATIONS, declared
from tests.platform.client import DOCUMENT

EVERY = [declared(*one) for one in OPERATIONS]
# In the order in which assistants are told of them.
NAMES = """
listAccounts getAccount createAccount listBeneficiaries listAccountTransfers listRules getRule createRule updateRule
triggerRule listRuleExecutions getRuleExecution createTransfer listTransfers getTransfer listExternalTransactions
getExternalTransaction listTransactions getCardTransaction listAuditLog
"""


class TestDocument:
    def test_is_valid_openapi_3_1(self):
        assert document_of(DOCUMENT)["openapi"].startswith("3.1.")
        validate_schema(document_of(DOCUMENT))

    def test_has_every_operation_under_its_name(self):
        told = {
            (method.upper(), path, operation["operationId"])
            for path, item in document_of(DOCUMENT)["paths"].items()
            for method, operation in item.items()
        }

        assert told == {(each.method, PREFIX + each.path, each.name) for each in EVERY}
        assert [each.name for each in EVERY] == NAMES.split()

    def test_has_nothing_of_the_other_dialect(self):
        text = json.dumps(document_of(DOCUMENT))

        assert "/api/v1/" not in text
        assert "/platform/v1" not in json.dumps(document())
        assert '"request_id"' not in text

    def test_names_what_stands_in_the_address(self):
        for operation in EVERY:
            told = document_of(DOCUMENT)["paths"][PREFIX + operation.path][operation.method.lower()]

            in_path = [parameter["name"] for parameter in told["parameters"] if parameter.get("in") == "path"]
            assert in_path == list(operation.variables)
            assert told.get("x-required-scope") == (operation.scope and operation.scope.value)

    def test_is_closed_where_a_misspelt_field_would_move_money(self):
        schemas = document_of(DOCUMENT)["components"]["schemas"]

        closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
        assert {"CreateTransfer", "TriggerRule"} <= {name.removesuffix("Request") for name in closed}
        assert "CreateAccount" not in {name.removesuffix("Request") for name in closed}


class TestAddress:
    def test_answers_whoever_asks(self, db):
        response = Client().get(f"{PREFIX}/schema")

        assert response.status_code == 200
        assert response.json()["info"]["title"] == "Sequence platform API"
        assert Client().get(f"{PREFIX}/schema?x=1", headers={"X-Request-ID": "no good"}).status_code == 200
        assert Client().get(f"{PREFIX}/schema?format=yaml").headers["Content-Type"] == "application/yaml"

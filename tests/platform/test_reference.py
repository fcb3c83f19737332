"""Our document of the dialect beside the vendor's: what was made for theirs is understood here, and understands us."""

from collections.abc import Iterator
from typing import Any

import pytest

from sequence.core.api.openapi.document import document_of
from sequence.platform.operations import PREFIX
from tests.platform.client import DOCUMENT
from tests.platform.reference import Document, Fact, content, facts, operations, reference

THEIRS = operations(reference())
# What there is none of here, as the contract says: it is told by nobody, and asked for by nobody.
LEFT_OUT = {"REMOTE_API", "OMNI_CARD", "PAYOUT", "EXTERNAL_ENTITY", "UNKNOWN"}
# Always null here; theirs tells an account of its own.
ALWAYS_NULL = ".linkedAccount"


@pytest.fixture(params=THEIRS, ids=" ".join)
def named(request) -> tuple[str, str]:
    name: tuple[str, str] = request.param
    return name


@pytest.fixture
def theirs(named) -> Document:
    return THEIRS[named]


@pytest.fixture
def ours(named) -> Document:
    return operations(document_of(DOCUMENT), PREFIX)[named]


def of(parameters: list[Document], where: str) -> dict[str, Document]:
    return {
        each["name"].lower() if where == "header" else each["name"]: each for each in parameters if each["in"] == where
    }


def bodies(operation: Document, document: Document) -> dict[str, Fact]:
    schema = content(document, operation.get("requestBody", {}))
    return {} if schema is None else facts(document, schema)


def answers(operation: Document, document: Document) -> Iterator[tuple[str, dict[str, Fact]]]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            schema = content(document, answer)
            assert schema is not None
            yield status, facts(document, schema)


def is_left_out(place: str, fact: Fact) -> bool:
    return any(f"<{word}>" in place for word in LEFT_OUT) or place.partition(ALWAYS_NULL)[2].startswith(".")


class TestOperations:
    def test_are_the_vendors(self):
        ours = operations(document_of(DOCUMENT), PREFIX)

        assert {name: each["operationId"] for name, each in ours.items()} == {
            name: each["operationId"] for name, each in THEIRS.items()
        }

    def test_answer_with_each_status_that_the_vendor_tells(self, theirs, ours):
        assert {*theirs["responses"]} <= {*ours["responses"]}


class TestParameters:
    def test_of_the_vendor_are_all_there(self, theirs, ours):
        for where in ("path", "query", "header"):
            own = of(ours["parameters"], where)
            for name, each in of(theirs["parameters"], where).items():
                assert name in own
                assert own[name].get("required", False) == each.get("required", False), name
                assert own[name].get("deprecated", False) == each.get("deprecated", False), name
                words = facts(reference(), each["schema"])[""].words
                assert words <= facts(document_of(DOCUMENT), own[name]["schema"])[""].words or not words, name

    def test_that_are_ours_alone_may_be_left_out(self, theirs, ours):
        for where in ("query", "header"):
            more = of(ours["parameters"], where).keys() - of(theirs["parameters"], where).keys()
            assert more <= {"x-request-id", "idempotency-key"}
            assert not any(of(ours["parameters"], where)[name].get("required") for name in more)


class TestBodies:
    """What a client of the vendor's may send is taken."""

    def test_have_every_field(self, theirs, ours):
        wanted, own = bodies(theirs, reference()), bodies(ours, document_of(DOCUMENT))

        assert wanted.keys() <= own.keys()

    def test_demand_no_more(self, theirs, ours):
        wanted, own = bodies(theirs, reference()), bodies(ours, document_of(DOCUMENT))

        for place, fact in own.items():
            assert place in wanted or not fact.required, place
            assert wanted[place].required or not fact.required, place

    def test_take_all_that_it_may_be(self, theirs, ours):
        own = bodies(ours, document_of(DOCUMENT))

        for place, fact in bodies(theirs, reference()).items():
            assert fact.types <= own[place].types, place
            assert own[place].nullable or not fact.nullable, place
            assert not own[place].words or (fact.words and fact.words <= own[place].words), place


class TestAnswers:
    """What is answered is what a client of the vendor's expects."""

    @pytest.fixture
    def pairs(self, theirs, ours) -> Any:
        own = dict(answers(ours, document_of(DOCUMENT)))
        return [(wanted, own[status]) for status, wanted in answers(theirs, reference())]

    def test_have_every_field(self, pairs):
        for wanted, own in pairs:
            places = {place for place, fact in wanted.items() if not is_left_out(place, fact)}
            assert places <= own.keys()
            assert [place for place in places if wanted[place].required and not own[place].required] == []

    def test_have_all_of_their_own_fields_always(self, pairs):
        for _, own in pairs:
            assert [place for place, fact in own.items() if not fact.required] == []

    def test_hold_nothing_that_is_not_expected(self, pairs):
        for wanted, own in pairs:
            for place, fact in own.items():
                if place in wanted and place.partition(ALWAYS_NULL)[1] == "":
                    assert fact.types <= wanted[place].types, place
                    assert wanted[place].nullable or not fact.nullable, place
                    assert not wanted[place].words or fact.words <= wanted[place].words, place
                    assert wanted[place].words - fact.words <= LEFT_OUT, place

    def test_tell_no_linked_account(self, pairs):
        for _, own in pairs:
            told = [fact for place, fact in own.items() if place.endswith(ALWAYS_NULL)]
            assert all(fact.nullable and not fact.types for fact in told)

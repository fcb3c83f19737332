"""What requests say to the database: each statement names the organization of its rows, while another one is busy too.

Where organizations are spread over many machines, such a statement goes to one of them. The exceptions stand
here and in docs/scaling.md, each with its reason.
"""

import pytest
from django.apps import apps
from django.db import connection, models

from sequence.core.audit_log.reads import reads
from sequence.core.database.owned import OwnedModel, OwnForeignKey
from sequence.core.worker import run_once
from sequence.distribution import DISTRIBUTED
from tests.factories import PodFactory
from tests.scaling.naming import Statements, Unnamed, looking

# The statement that cannot name it, since it is there to find it out: once for each request, by the key's digest.
FINDS_THE_ORGANIZATION = "WHERE key.digest = "


@pytest.fixture(scope="class")
def said(houses, said) -> list[Statements]:
    """All that the requests of both said, who take turns."""
    run_once()
    for requests in zip(*(house.requests() for house in houses), strict=True):
        for house, statements, (method, path, body, key) in zip(houses, said, requests, strict=True):
            with looking(statements):
                answer = house.api.request(method, path, body, idempotency_key=key)
                reads.flush()
            assert answer.status_code in (200, 201, 202), answer.content
    return said


@pytest.mark.django_db
class TestRequests:
    def test_name_their_organization_in_each_statement(self, said):
        for statements in said:
            assert statements.seen > 70
            assert [one for one in statements.unnamed if not _is_an_exception(one)] == []

    def test_name_no_other(self, said):
        assert [statements.of_others for statements in said] == [[], []]

    def test_need_the_exception(self, said):
        assert any(_is_an_exception(one) for statements in said for one in statements.unnamed)


def _is_an_exception(one: Unnamed) -> bool:
    return FINDS_THE_ORGANIZATION in one.statement


@pytest.mark.django_db
class TestALook:
    @pytest.fixture
    def look(self, acme, globex):
        def at(sql: str, *params: object) -> Statements:
            with looking(Statements(acme.id, {globex.id}, DISTRIBUTED)) as said, connection.cursor() as cursor:
                cursor.execute(sql, params)
            return said

        return at

    def test_finds_a_row_that_is_reached_by_its_id(self, look, acme):
        pod = PodFactory(organization=acme)
        said = look("SELECT name FROM accounts_account WHERE id = %s", pod._meta.pk.get_prep_value(pod.id))

        assert [one.table for one in said.unnamed] == ["accounts_account"]


@pytest.mark.django_db
class TestModels:
    """What the ORM says by itself, so that nobody has to think of it."""

    @pytest.fixture
    def owned(self) -> list[type[models.Model]]:
        """Those of an organization; the trail's events are inserted by triggers and never changed."""
        return [
            model
            for model in apps.get_models()
            if model._meta.db_table in DISTRIBUTED
            and not hasattr(model, "pgh_id")
            and not model._meta.get_field("organization").primary_key
        ]

    def test_point_to_each_other_with_their_organization(self, owned):
        plain = [
            str(field)
            for model in owned
            for field in model._meta.get_fields()
            if field.many_to_one and field.concrete and field.related_model in owned
            if not isinstance(field, OwnForeignKey)
        ]

        assert plain == []

    def test_are_saved_with_it(self, owned):
        in_other_rooms = {model.__name__ for model in owned if not issubclass(model, OwnedModel)}

        assert in_other_rooms == set()

"""Two organizations that are busy at once, and what is known of the tables."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.test import override_settings

from apikeys.entries import parse_permissions
from apikeys.services import create_api_key
from sequence.distribution import DISTRIBUTED
from tests.client import Api
from tests.conftest import ALL_PERMISSIONS
from tests.database import rolled_back
from tests.factories import OrganizationFactory
from tests.scaling.houses import House
from tests.scaling.naming import Statements
from tests.webhooks.conftest import Receiver, receiving


@pytest.fixture(scope="class")
def houses(django_db_setup, django_db_blocker) -> Iterator[list[House]]:
    """Acme's house and Globex's, made once for a class. What a test changes is undone by its ``db``."""
    is_here = override_settings(RATE_LIMIT_ENABLED=True, WEBHOOK_ALLOWED_NETWORKS=[ip_network("127.0.0.0/8")])
    with rolled_back(django_db_blocker), is_here, receiving(Receiver()) as receiver:
        yield [_house_of(name, receiver) for name in ("Acme", "Globex")]


def _house_of(name: str, receiver: Receiver) -> House:
    organization = OrganizationFactory(name=name)
    permissions = parse_permissions(ALL_PERMISSIONS)
    _, token = create_api_key(organization=organization, name="All", permissions=permissions, created_by="test")
    return House(Api(token), organization, receiver.url)


@pytest.fixture(scope="class")
def said(houses) -> list[Statements]:
    """For what each house says."""
    ids = [house.organization.id for house in houses]
    return [Statements(own, set(ids) - {own}, DISTRIBUTED) for own in ids]

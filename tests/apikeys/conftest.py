"""Who looks at the pages of keys, and a key to be looked at."""

import pytest

from tests.apikeys.pages import create_key
from tests.staff import sign_in
from tests.transfers.conftest import ask, income, rent  # noqa: F401 - fixtures


@pytest.fixture
def staff(db):
    return sign_in(is_superuser=True)


@pytest.fixture
def key(acme):
    key, token = create_key(acme, "LIST_ACCOUNTS", "MANUAL_TRANSFER:*>*@50000;day=100000")
    key.token = token
    return key

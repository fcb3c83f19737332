"""What changes is told by the tables themselves, whoever changes it and however."""

import pytest

pytestmark = pytest.mark.django_db

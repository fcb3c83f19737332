"""The examples of the document: told by sending them, for every operation."""

import json
import os
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.conf import settings

from tests.api_docs.conformance import operations
from tests.api_docs.story import STORY
from tests.api_docs.story_telling import Teller, recorded
from tests.webhooks.conftest import Receiver, receiving

FILE = Path(settings.BASE_DIR) / "docs" / "examples" / "story.json"


@pytest.mark.django_db(transaction=True)
def test_is_what_the_api_answers(set_clock, settings):
    settings.SIMULATED_RAIL_DELAY_SECONDS = 0
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with receiving(Receiver()) as receiver:
        told = recorded(list(Teller(set_clock, receiver.url).tell()))

    if os.environ.get("TELL_STORY"):
        FILE.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    assert json.loads(FILE.read_text()) == told, "Tell it anew: TELL_STORY=1 ./test tests/api_docs/test_story.py"


def test_tells_of_every_operation():
    told = {step.operation for step in STORY if step.status < 400}
    assert {operation["operationId"] for _, _, operation in operations()} - told == set()

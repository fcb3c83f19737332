"""The agent of the documentation, as it stands there, against a server of ours."""

import os
import subprocess
import sys
import threading

import pytest
from django.conf import settings
from django.db import connections

from sequence.core.worker import run_once
from tests.mcp.conftest import token_of
from transfers.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)
PERMISSIONS = ["LIST_ACCOUNTS", "READ_ACCOUNTS:*", "READ_TRANSFERS:*", "CREATE_AND_EDIT_RULES"]


@pytest.mark.full
def test_pays_inside_its_caps_and_hears_what_would_help(live_server, client_with, income, rent):
    token = token_of(client_with(*PERMISSIONS, f"MANUAL_TRANSFER:*>{rent.id};day=700;reason=required"))
    is_over = threading.Event()

    def work():
        try:
            while not is_over.wait(0.1):
                run_once()
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        ended = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "docs/examples/pay_a_bill.py", income.name, rent.name, "1000"],
            cwd=settings.BASE_DIR,
            env={**os.environ, "SEQUENCE_URL": live_server.url, "SEQUENCE_KEY": token},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    finally:
        is_over.set()
        worker.join()

    assert ended.returncode == 0, ended.stderr
    assert "Refused: " in ended.stdout
    assert "would help: amount_in_cents 700" in ended.stdout
    assert "700 cents: COMPLETE" in ended.stdout
    assert "A rule waits for a person: http" in ended.stdout
    assert Transfer.objects.get(api_key__isnull=False).called_reason == "The bill is due."

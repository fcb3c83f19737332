"""Whoever reads a command's lines may have enough of them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.full
def test_a_reader_that_stops_reading_gets_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=settings.BASE_DIR,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=300,
    )

    assert ended.stderr.decode() == ""
    assert ended.returncode == 141

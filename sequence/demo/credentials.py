"""Demo's key and login, kept on this machine so that a later start can show them again."""

import json
import os
from pathlib import Path

from django.conf import settings

from apikeys.authentication import find_key
from sequence.core import clock
from sequence.core.errors import Unauthorized
from sequence.core.typing import JsonObject

FILE = "demo.json"


def keep_credentials(credentials: JsonObject) -> None:
    """Write them to the private folder of this machine."""
    keep_private(FILE, json.dumps(credentials))


def keep_private(name: str, text: str) -> None:
    """Write a file of the private folder of a development machine (mode 0600); production keeps nothing."""
    if settings.PRODUCTION:
        return
    path = Path(settings.LOCAL_DIR) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def kept_credentials() -> JsonObject:
    """Return those that were kept, if their key opens this database's door; else an empty dictionary."""
    try:
        credentials = json.loads((Path(settings.LOCAL_DIR) / FILE).read_text())
        find_key(credentials["api_key"], at=clock.now())
    except (OSError, ValueError, KeyError, Unauthorized):
        return {}
    return credentials

"""Secrets of a development machine: made once, kept in a file, never in the code."""

import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path


def ensure_local_secrets(path: Path) -> None:
    """Write fresh secrets to ``path`` (mode 0600) unless the file exists.

    Safe when several processes start at once: the file appears whole or not at all, and the first one wins.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(
            "# Made for this machine. Losing this file closes every API key and every stored bank number.\n"
            f"SECRET_KEY={secrets.token_urlsafe(50)}\n"
            f"API_KEY_PEPPER={secrets.token_urlsafe(32)}\n"
            f"BANK_NUMBER_KEYS={urlsafe_b64encode(secrets.token_bytes(32)).decode()}\n"
        )
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # Another process was faster; its secrets count.
    finally:
        draft.unlink()

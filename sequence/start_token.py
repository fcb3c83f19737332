"""Token of one start: by it ``./run`` knows the web server that it started from any other one."""

import hashlib

# The variable that hands it to the web server.
VARIABLE = "START_TOKEN"


def start_path(token: str) -> str:
    """Return where the server of one start, and no other, answers with its token.

    Who knows the token knows the path, but not the other way round: whoever else listens there cannot answer.
    """
    return f"/healthz/{hashlib.sha256(token.encode()).hexdigest()}"

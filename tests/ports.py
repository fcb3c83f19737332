"""Ports for servers that tests start."""

import socket
from random import SystemRandom

# Below those that systems give to connections by themselves, Linux from 32768 on: any connection may take one of those
# between the look and the server's start.
_RANGE = (10_240, 32_768)
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on, another one each time."""
    while True:
        # The processes of one run share their seeds, and shall not share ports.
        port = SystemRandom().randrange(*_RANGE)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

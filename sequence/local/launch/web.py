"""Web server's command, of ./run and of production alike: ``python -m sequence.local.launch.web``.

It reads HOST, PORT and WEB_WORKERS; granian reads its own GRANIAN_… variables, such as those for TLS.
"""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from sequence.core.database.roles import refuse_owner_at_start
from sequence.local.launch.address import Address
from sequence.local.launch.problem import LaunchProblem

# Each process has one thread for Django, and Python's lock: more processes than processors only cost memory.
MOST_WEB_WORKERS = 4

# Connections that a process keeps at once. Whoever waits for one that is slow costs a few kilobytes and no thread.
MOST_CONNECTIONS = 4096

# A client that is there sends its headers in one go. Connections that stand idle end after it as well.
HEADER_MILLISECONDS = 10_000


def web_workers() -> int:
    """Read WEB_WORKERS. Raises LaunchProblem."""
    named = os.environ.get("WEB_WORKERS") or str(min(os.cpu_count() or 1, MOST_WEB_WORKERS))
    if not (named.isascii() and named.isdigit() and int(named) > 0):
        raise LaunchProblem(f"WEB_WORKERS must be a number above 0, not {named!r}.")
    return int(named)


def command(address: Address, workers: int) -> list[str]:
    """Return the command that serves at the address; it does not look whether somebody else does."""
    options = {
        # ASGI hands on what was sent, byte for byte; sequence.entry calls Django under WSGI, once a request is whole.
        "--interface": "asginl",
        "--host": address.host,
        "--port": str(address.port),
        "--workers": str(workers),
        "--http": "1",
        "--http1-header-read-timeout": str(HEADER_MILLISECONDS),
        "--backlog": str(MOST_CONNECTIONS),
        "--backpressure": str(MOST_CONNECTIONS),
        "--loop": "asyncio",
        "--log-level": "warning",
    }
    arguments = [argument for option in options.items() for argument in option]
    flags = ["--no-ws", "--respawn-failed-workers"]
    return [sys.executable, "-m", "granian", *arguments, *flags, "sequence.entry:application"]


def refuse_what_is_unfit() -> None:
    """Raise ImproperlyConfigured for settings or a database role that are not fit for production, where it is set.

    Each process of the server would find out for itself, and be started again and again.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequence.settings")
    django.setup()
    refuse_owner_at_start()
    connections.close_all()


def main() -> int:
    """Become the server. Returns 1 if that cannot be."""
    try:
        address, workers = Address.from_environment(), web_workers()
        refuse_what_is_unfit()
        # Servers share a port on purpose, for their own processes: the kernel would hand every other request to whoever
        # came second. What holds it lives on in the server that this process becomes.
        held = address.hold()
        held.set_inheritable(True)
    except (LaunchProblem, ImproperlyConfigured) as problem:
        sys.stderr.write(f"{problem}\n")
    else:
        os.execv(sys.executable, command(address, workers))  # noqa: S606 - our own interpreter; no shell is wanted.
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Address on which the web server listens. Standard library only."""

import errno
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sequence.local.launch.problem import LaunchProblem

EVERY_INTERFACE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on.


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Address":
        """Read HOST and PORT. Raises LaunchProblem."""
        port = environment.get("PORT") or "8000"
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise LaunchProblem(f"PORT must be a number from 1 to 65535, not {port!r}.")
        return cls(environment.get("HOST") or "127.0.0.1", int(port))

    @property
    def local_host(self) -> str:
        """The host to connect to on this machine."""
        return "127.0.0.1" if self.host in EVERY_INTERFACE else self.host

    @property
    def url(self) -> str:
        host = self.local_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def check_free(self) -> None:
        """Raise LaunchProblem unless a server could listen here now."""
        family, kind, protocol, _, place = self._resolve()
        with socket.socket(family, kind, protocol) as probe:
            # Connections of a server that has just ended may linger; only a listening one is in the way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                raise self._explain(error) from error

    def claim(self) -> socket.socket:
        """Return what keeps every other start of ours from this address, as long as it is open. Raises LaunchProblem.

        Of two servers that start in one instant, each finds the port free before the other listens, and the kernel lets
        both in. A name that Linux gives to one process, and takes back when it dies, goes to one of them.
        """
        place = self._resolve()[-1]
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if sys.platform != "linux":
            return claim
        try:
            claim.bind(f"\0sequence web server {place[0]} {place[1]}")
        except OSError as error:
            claim.close()
            raise self._explain(error) from error
        return claim

    def _resolve(self) -> Any:
        try:
            return socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise LaunchProblem(f"HOST names no address of this machine: {self.host!r}.") from error

    def _explain(self, error: OSError) -> LaunchProblem:
        if error.errno == errno.EADDRINUSE:
            return LaunchProblem(
                f"Port {self.port} is taken: stop the program that uses it, or choose another one: PORT=8001 ./run"
            )
        if error.errno == errno.EACCES:
            return LaunchProblem(f"Port {self.port} is reserved for root: choose one above 1023, as in PORT=8000 ./run")
        return LaunchProblem(f"Cannot listen on {self.host}, port {self.port}: {error.strerror}.")

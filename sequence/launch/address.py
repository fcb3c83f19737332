"""Where the web server listens. Standard library only."""

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from sequence.launch.problem import LaunchProblem

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
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise LaunchProblem(f"HOST names no address of this machine: {self.host!r}.") from error
        with socket.socket(family, kind, protocol) as probe:
            # Connections of a server that has just ended may linger; only a listening one is in the way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                raise self._explain(error) from error

    def _explain(self, error: OSError) -> LaunchProblem:
        if error.errno == errno.EADDRINUSE:
            return LaunchProblem(
                f"Port {self.port} is taken: stop the program that uses it, or choose another one: PORT=8001 ./run"
            )
        if error.errno == errno.EACCES:
            return LaunchProblem(f"Port {self.port} is reserved for root: choose one above 1023, as in PORT=8000 ./run")
        return LaunchProblem(f"Cannot listen on {self.host}, port {self.port}: {error.strerror}.")

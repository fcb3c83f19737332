"""Address on which the web server listens. Standard library only."""

import errno
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from sequence.local.launch.problem import LaunchProblem

EVERY_INTERFACE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on.


# What tells how to open a socket, the place to bind it to last.
_Resolved = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str | int | bytes, ...]]


@dataclass(frozen=True)
class Address:
    """Where a server listens: a host by name or number, and a port."""

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
        self.hold().close()

    def hold(self) -> socket.socket:
        """Return what keeps everybody else from this address, as long as it is open. Raises LaunchProblem.

        Without it, whoever came between our look and our server's start would have the port, or share it with us.
        """
        family, kind, protocol, _, place = self._resolve()
        held = socket.socket(family, kind, protocol)
        # Connections of a server that has just ended may linger; only what is bound to the port is in the way.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(place)
            held.listen()  # Of two who are bound, the kernel lets one listen.
        except OSError as error:
            held.close()
            raise self._explain(error) from error
        if sys.platform != "linux":
            held.close()  # Our own server could not listen either.
            return socket.socket(family, kind, protocol)
        return _left_to_our_server(held)

    def _resolve(self) -> _Resolved:
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


def _left_to_our_server(held: socket.socket) -> socket.socket:
    """Make a listening socket one that only holds its port, against all but a server of ours.

    It refuses connections again, and shares the port on the one condition that the web server's processes share it on
    among themselves: each asks for it, and they are one user's. Our own starts do not ask.
    """
    # First, or a rival who is bound already could listen in between.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.shutdown(socket.SHUT_RD)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held

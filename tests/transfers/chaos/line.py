"""A line to a database server that can be cut without a word: what is sent is lost, and nobody says so.

It is a network of its own (a namespace of Linux) with a forwarder in it. That a process stops reading is no such cut:
its kernel goes on to acknowledge what comes.
"""

import itertools
import os
import shutil
import subprocess
import sys
from typing import Self

import psycopg
import pytest

from tests.transfers.chaos.site import make_url, wait_until
from tests.transfers.chaos.world import World

PORT = 5432
_numbers = itertools.count()

# Joins each connection to the address with one to the socket of the server.
FORWARDER = """
import asyncio, sys
address, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
async def pump(reader, writer):
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()
    writer.close()
async def join(reader, writer):
    there, back = await asyncio.open_unix_connection(path)
    await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)
async def serve():
    await (await asyncio.start_server(join, address, port)).serve_forever()
asyncio.run(serve())
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)  # noqa: S603, S607


def demand_networks() -> None:
    """Skip the test, and say why, where nobody may make a network; install Debian's program for it where it lacks."""
    if os.geteuid() != 0:
        pytest.skip("Only root may make a network that can be cut.")
    if not shutil.which("ip"):
        if not shutil.which("apt-get"):
            pytest.skip("The program ip is not installed, and this is no Debian.")
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "iproute2"]
        done = subprocess.run(install, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            pytest.skip(f"iproute2 could not be installed: {done.stderr.strip()[-200:]}")
    name = f"sequence-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "delete", name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"This machine lets nobody make a network: {error.stderr.decode().strip()}")


class _Network:
    """A network of its own, which one line joins to ours. Use it in a ``with``: it leaves nothing behind."""

    def __init__(self) -> None:
        # Another one each time: Linux takes its time to forget a network.
        number = next(_numbers)
        # Of a range for such trials: https://datatracker.ietf.org/doc/html/rfc2544
        self.ours, self.address = (f"198.18.{os.getpid() % 256}.{4 * (number % 64) + last}" for last in (1, 2))
        self.name, self.plug = f"seq-{os.getpid()}-{number}", f"seq{os.getpid()}-{number}"
        self.inside = ["ip", "netns", "exec", self.name]

    def __enter__(self) -> Self:
        ip("netns", "add", self.name)
        ip("link", "add", self.plug, "type", "veth", "peer", "name", "there", "netns", self.name)
        ip("address", "add", f"{self.ours}/30", "dev", self.plug)
        ip("link", "set", self.plug, "up")
        ip("-n", self.name, "address", "add", f"{self.address}/30", "dev", "there")
        for device in ("there", "lo"):
            ip("-n", self.name, "link", "set", device, "up")
        return self

    def __exit__(self, *_: object) -> None:
        ip("link", "delete", self.plug)
        ip("netns", "delete", self.name)

    def cut(self) -> None:
        """Lose whatever is sent from there from now on, acknowledgements too."""
        ip("-n", self.name, "route", "add", "blackhole", f"{self.ours}/32")


class Line(_Network):
    """A way to a world's server, by an address of its own."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def __enter__(self) -> Self:
        super().__enter__()
        self.forwarder = forward(self.world, self.address, *self.inside)
        return self

    def __exit__(self, *_: object) -> None:
        end(self.forwarder)
        super().__exit__()


class Machine(_Network):
    """A machine as far as processes can tell: a network, its addresses and ports, and a name, all of its own.

    It reaches the world's server at ``database``. Commands that begin with ``inside`` run on it.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.database = make_url(host=self.ours, port=PORT, user=world.user, name="chaos")
        named = f'hostname {self.name} && exec "$@"'
        self.inside = [*self.inside, "unshare", "--uts", "sh", "-c", named, "sh"]

    def __enter__(self) -> Self:
        super().__enter__()
        self.forwarder = forward(self.world, self.ours)
        return self

    def __exit__(self, *_: object) -> None:
        end(self.forwarder)
        super().__exit__()


def forward(world: World, address: str, *inside: str) -> "subprocess.Popen[bytes]":
    """Let the world's server be reached at an address of ours, or of a network ``inside`` which it is."""
    socket = f"{world.host}/.s.PGSQL.{world.port}"
    process = subprocess.Popen([*inside, sys.executable, "-c", FORWARDER, address, str(PORT), socket])  # noqa: S603
    url = make_url(host=address, port=PORT, user=world.user, name="postgres")
    wait_until(lambda: answers(url), "the forwarder answers")
    return process


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()

"""A line to a database server that can be cut without a word: what is sent is lost, and nobody says so.

It is a network of its own (a namespace of Linux) with a forwarder in it. That a process stops reading is no such cut:
its kernel goes on to acknowledge what comes.
"""

import os
import shutil
import subprocess
import sys
from types import TracebackType

import psycopg
import pytest

from tests.transfers.chaos.site import make_url, wait_until
from tests.transfers.chaos.world import World

PORT = 5432

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


class Line:
    """A way to a world's server, by an address of its own. Use it in a ``with``: it leaves nothing behind."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        # Of a range for such trials: https://datatracker.ietf.org/doc/html/rfc2544
        self.ours, self.address = (f"198.18.{os.getpid() % 256}.{4 * number + last}" for last in (1, 2))
        self.network, self.plug = f"seq-{os.getpid()}-{number}", f"seq{os.getpid()}-{number}"

    def __enter__(self) -> "Line":
        ip("netns", "add", self.network)
        ip("link", "add", self.plug, "type", "veth", "peer", "name", "there", "netns", self.network)
        ip("address", "add", f"{self.ours}/30", "dev", self.plug)
        ip("link", "set", self.plug, "up")
        ip("-n", self.network, "address", "add", f"{self.address}/30", "dev", "there")
        ip("-n", self.network, "link", "set", "there", "up")
        inside = ["ip", "netns", "exec", self.network, sys.executable, "-c", FORWARDER]
        socket = f"{self.world.host}/.s.PGSQL.{self.world.port}"
        self.forwarder = subprocess.Popen([*inside, self.address, str(PORT), socket])  # noqa: S603
        wait_until(self._answers, "the forwarder answers")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.forwarder.kill()
        self.forwarder.wait()
        ip("netns", "delete", self.network)

    def cut(self) -> None:
        """Lose whatever is sent back from now on, acknowledgements too."""
        ip("-n", self.network, "route", "add", "blackhole", f"{self.ours}/32")

    def _answers(self) -> bool:
        url = make_url(host=self.address, port=PORT, user=self.world.user, name="postgres")
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

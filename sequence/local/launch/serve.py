"""``./run`` inside ``.venv``: database, demo, web server and worker, until Ctrl-C."""

import json
import os
import secrets
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import OperationalError

from sequence import start_token
from sequence.local.launch import web
from sequence.local.launch.address import Address
from sequence.local.launch.database import running
from sequence.local.launch.problem import LaunchProblem
from sequence.local.launch.supervisor import Program, StopRequest, keep_running, run_to_end
from sequence.local.postgres.errors import in_one_line

# It takes two or three on an idle machine.
READY_SECONDS = 120

WELCOME = """
Sequence is running at {url}    (Ctrl-C stops all of it)
"""
DEMO_KEY = """
  API key of {organization}:  {api_key}
"""
DEMO_AGENT = """
  Its agent's key, which is held short:  {agent_api_key}
"""
DEMO_LOGIN = """
  Staff login at {url}/admin/:  {staff_username} / {staff_password}
"""
NEXT_STEPS = """
Three things to do next:

  1. Make a payment, in a second terminal, in {folder}:

     . .local/demo.env
     curl -X POST "$SERVER/api/v1/transfers" \\
       -H "Authorization: ApiKey $KEY" -H "Content-Type: application/json" \\
       -d '{{"source_account_id":"'$RAINY_DAYS'","destination_account_id":"'$GROCERIES'","amount_in_cents":2000}}'

  2. See what it did, and what waits for a person:  {url}/admin/
  3. Give a program a key with caps, hear a webhook, write a rule:  {url}/docs/guides
"""


def main() -> int:
    """Serve until told to stop, and return the exit code."""
    stop = StopRequest()
    stop.listen()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequence.settings")
    # Somebody who tries rules and schedules should not have to wait for the next month.
    os.environ.setdefault("ALLOW_TIME_TRAVEL", "1")
    # And who tries webhooks has their receiver on this machine.
    os.environ.setdefault("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    try:
        address = Address.from_environment()
        workers = web.web_workers()
        django.setup()
        say("Preparing the database …\n")
        with address.hold(), running(connections[DEFAULT_DB_ALIAS]):
            return serve(address, workers, stop)
    except (LaunchProblem, OperationalError, ImproperlyConfigured, OSError) as error:
        sys.stderr.write(f"{in_one_line(error)}\n")
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode  # The command has told why.


def serve(address: Address, workers: int, stop: StopRequest) -> int:
    """Prepare the tables and the demo, then serve until asked to stop. Returns the exit code."""
    if run_to_end(manage("migrate", "--verbosity=0"), stop) is None:
        return 0
    demo = prepare_demo(address, stop)
    token = secrets.token_hex()
    variables = {start_token.VARIABLE: token}
    # It replaces processes that die, but gives up when one of them dies again at once.
    web_server = Program("web server", web.command(address, workers), restart=True, variables=variables)
    programs = [web_server, Program("worker", manage("run_worker").command, restart=True)]
    ended = keep_running(programs, stop, Welcome(address, demo, token).once_ready)
    if ended is None:
        say("\nStopped.\n")
        return 0
    sys.stderr.write(f"The {ended.name} ended with exit code {ended.process.returncode}: everything is stopped.\n")
    return 1


def prepare_demo(address: Address, stop: StopRequest) -> dict[str, str | None]:
    """Let the demo's own command fill an empty database; this is the one place where ./run asks for it.

    Returns what it prints: organization, api_key, agent_api_key, staff_username, staff_password. Secrets that this
    machine does not know (any more) are null.
    """
    return json.loads(run_to_end(manage("seed_demo", "--if-empty", "--json", "--server", address.url), stop) or "{}")


def manage(*arguments: str) -> Program:
    """Return a program that runs a management command."""
    return Program(arguments[0], [sys.executable, "manage.py", *arguments])


class Welcome:
    """Tells once, as soon as the web server of this start answers, where it is and how to begin.

    The web server replaces processes that die, and would do so forever if each of them failed to load the application.
    """

    def __init__(self, address: Address, demo: dict[str, str | None], token: str) -> None:
        self.address = address
        self.demo = demo
        self.token = token
        self.is_told = False
        self.deadline = time.monotonic() + READY_SECONDS

    def once_ready(self) -> None:
        """Called again and again. Raises LaunchProblem if there is nothing to tell for too long."""
        if self.is_told:
            return
        if is_answering(self.address, self.token):
            self.is_told = True
            say(self.text())
        elif time.monotonic() > self.deadline:
            raise LaunchProblem(f"The web server has not answered for {READY_SECONDS} seconds: everything is stopped.")

    def text(self) -> str:
        parts = [WELCOME]
        if self.demo.get("api_key"):
            parts += [DEMO_KEY]
        if self.demo.get("agent_api_key"):
            parts += [DEMO_AGENT]
        if self.demo.get("staff_password"):
            parts += [DEMO_LOGIN]
        if self.demo.get("api_key"):
            parts += [NEXT_STEPS]
        return "".join(part.format(url=self.address.url, folder=Path.cwd(), **self.demo) for part in parts) + "\n"


def is_answering(address: Address, token: str) -> bool:
    """Tell whether the server with this token answers. Asked directly, whatever proxy the machine uses."""
    connection = HTTPConnection(address.local_host, address.port, timeout=1)
    try:
        connection.request("GET", start_token.start_path(token))
        return connection.getresponse().read(len(token)) == token.encode()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def say(text: str) -> None:
    """Tell whoever started this, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Shell variables of the demo: what the commands of README and guides take for granted, in one file to read in."""

import os
import re
import shlex

from accounts.models import Account
from sequence.core.typing import JsonObject
from sequence.demo.credentials import keep_private

FILE = "demo.env"

# What a shell needs for itself, and must not lose to an account that is called Home.
_TAKEN = frozenset({"IFS", "PS1", "PS2", "PS4", "OPTIND", "OPTARG", "PPID", "LINENO", "ENV", "HOME", "PATH", "CDPATH"})

# What ./run sets for its worker, and commands beside it must read as well.
_SHARED = ("ALLOW_TIME_TRAVEL", "WEBHOOK_ALLOWED_NETWORKS")

# Python is there, where Sequence is; jq may not be.
_OPENING = """\
# Written by ./run, for this machine alone. Read it into a shell with:  . .local/demo.env

# Prints one value of the JSON that comes in:  curl … | value data.id
value() {
    python3 -c '
import json, sys
found = json.load(sys.stdin)
for step in sys.argv[1].split("."):
    found = found[int(step)] if isinstance(found, list) else found[step]
print(found if isinstance(found, str) else json.dumps(found))
' "$1"
}

"""


def keep_variables(credentials: JsonObject, *, server: str) -> None:
    """Write the demo's address, keys and account ids as variables, with a helper that reads answers."""
    keep_private(FILE, _OPENING + _assignments(credentials, server))


def _assignments(credentials: JsonObject, server: str) -> str:
    organization_id = credentials["organization"]
    accounts = Account.objects.not_deleted().filter(organization_id=organization_id).order_by("-created_at", "-id")
    variables = {
        # The oldest of two that are called alike has the name.
        **{variable_name(account.name): account.id for account in accounts},
        "SERVER": server,
        "ORGANIZATION": organization_id,
        "KEY": credentials["api_key"],
        "AGENT_KEY": credentials["agent_api_key"],
    }
    shared = [f"export {name}={shlex.quote(os.environ[name])}\n" for name in _SHARED if name in os.environ]
    taken = _TAKEN | os.environ.keys() - {"SERVER", "ORGANIZATION", "KEY", "AGENT_KEY"}
    own = (f"{name}={shlex.quote(text)}\n" for name, text in variables.items() if name and name not in taken)
    return "".join([*own, *shared])


def variable_name(account_name: str) -> str:
    """Return how a shell calls the account: ``Main Payroll`` is ``MAIN_PAYROLL``; empty where no letter is left."""
    return re.sub(r"[^A-Z0-9]+", "_", account_name.upper()).strip("_").lstrip("0123456789_")

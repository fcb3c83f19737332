"""System account that the server runs as: PostgreSQL refuses to be root."""

import os
import pwd
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from sequence.local.postgres.errors import AccountMissing, ProgramFailed

# In this order: the account made for it, then the one that every machine has.
ACCOUNTS_FOR_ROOT = ("postgres", "nobody")

# The server outlives whoever started it: it must carry neither their secrets nor their PG* variables.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

# initdb and pg_ctl put paths between quotation marks in lines for a shell, which there looks into names alone.
SHELL_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
UNQUOTABLE = re.compile(r'["`\\$]')


def is_quotable(path: Path) -> bool:
    """Say whether the path survives the quotation marks of PostgreSQL's programs, run by ``Account.run``."""
    rest = SHELL_VARIABLE.sub(lambda found: "\\" if found[1] in ENVIRONMENT else "", str(path))
    return UNQUOTABLE.search(rest) is None


class _Switch(TypedDict, total=False):
    """Who the program runs as, if not as ourselves."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An account of this machine, by its name and numbers."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, uid: int) -> "Account":
        return cls(account_name(uid), uid, pwd.getpwuid(uid).pw_gid if is_known(uid) else os.getegid())

    def run(self, *command: str | Path) -> str:
        """Run a program of the server's as this account and return what it printed. Raises ProgramFailed.

        In a session of its own, so that Ctrl-C in our terminal never reaches what the program leaves running.
        """
        program = Path(command[0]).name
        try:
            done = self._run(command)
        except (OSError, subprocess.SubprocessError) as error:
            raise ProgramFailed(program, str(error)) from error
        if done.returncode:
            raise ProgramFailed(program, _reason(done.stdout) or f"exit code {done.returncode}")
        return done.stdout

    def can_run(self, program: Path) -> bool:
        """Ask the system instead of computing it from modes: it also knows about ACLs and mount options."""
        try:
            return self._run([program, "--version"]).returncode == 0
        except OSError:
            return False

    def can_enter(self, folder: Path) -> bool:
        try:
            return self._run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0
        except OSError:
            return False

    def give(self, path: Path) -> None:
        """Make this account the owner of a file or folder that we have just created."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def _run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        switch: _Switch = {}
        if os.geteuid() == 0:
            switch = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(  # noqa: S603 - our own programs, and no shell.
            list(command),
            cwd="/",  # The account may not be allowed to stay where we are.
            env=_names_as_themselves(command) | ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            umask=0o077,
            start_new_session=True,
            **switch,
        )


def _names_as_themselves(command: Sequence[str | Path]) -> dict[str, str]:
    """Return variables of which a shell makes just what it read: the folder ``$HOME`` stays ``$HOME``."""
    return {name: f"${name}" for part in command for name in SHELL_VARIABLE.findall(str(part))}


def server_account(data: Path) -> Account:
    """Return who must run the server on ``data``: ourselves, or for root the owner of the data or a lesser account.

    Raises AccountMissing.
    """
    if os.geteuid() != 0:
        return Account.of(os.geteuid())
    if data.exists() and data.stat().st_uid != 0:
        return Account.of(data.stat().st_uid)
    for name in ACCOUNTS_FOR_ROOT:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise AccountMissing(ACCOUNTS_FOR_ROOT)


def account_name(uid: int) -> str:
    """Return the name of the account, or its number where it has none."""
    return pwd.getpwuid(uid).pw_name if is_known(uid) else f"user {uid}"


def is_known(uid: int) -> bool:
    """A container may run under a uid that its password file does not list."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _reason(output: str) -> str:
    """Return the line that says why; the last one often only says what was cleaned up."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "FATAL:" in line]
    return (telling or lines[-1:] or [""])[0]

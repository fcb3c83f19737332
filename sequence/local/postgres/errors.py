"""Startup problems of the database, each told in one line that a person can act on."""

from pathlib import Path

from django.db.utils import OperationalError


class StartupProblem(OperationalError):
    """The embedded server cannot be used. An OperationalError, so that whoever survives a lost server survives this."""


class BinariesMissing(StartupProblem):
    def __init__(self, supplier: str) -> None:
        super().__init__(
            f"The package {supplier} brings no PostgreSQL for this machine: name an existing server in DATABASE_URL."
        )


class AccountMissing(StartupProblem):
    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(
            f"PostgreSQL refuses to run as root, and this machine has none of the accounts {', '.join(names)}: "
            "start as an ordinary user, or name an existing server in DATABASE_URL."
        )


class FolderForbidden(StartupProblem):
    def __init__(self, folder: Path, owner: str) -> None:
        super().__init__(
            f"{folder} belongs to {owner}: start as {owner}, "
            "or name another folder in POSTGRES_DIR or an existing server in DATABASE_URL."
        )


class FolderUnreachable(StartupProblem):
    def __init__(self, folder: Path, account: str) -> None:
        super().__init__(
            f"The account {account}, which owns the database, can no longer reach {folder}: "
            "let it enter every folder on the way (chmod o+x), or move the data where it can."
        )


class NotACluster(StartupProblem):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no PostgreSQL data: move it away, or name another folder in POSTGRES_DIR.")


class OtherVersion(StartupProblem):
    def __init__(self, folder: Path, found: str, needed: str) -> None:
        super().__init__(
            f"{folder} was written by PostgreSQL {found}, and this release brings {needed}: "
            "carry the data over with pg_dump, as docs/running.md describes."
        )


class PathUnusable(StartupProblem):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f'PostgreSQL cannot be started from {path}: no folder on the way may contain " ` \\ or a $ before no name'
        )


class ProgramFailed(StartupProblem):
    def __init__(self, program: str, reason: str) -> None:
        super().__init__(f"{program} failed: {reason}")


class NotAnswering(StartupProblem):
    def __init__(self, folder: Path, pids: list[int], seconds: int) -> None:
        super().__init__(
            f"The PostgreSQL processes {', '.join(map(str, pids))} hold {folder} "
            f"but have not answered for {seconds} seconds: see server.log there."
        )


class StartBlocked(StartupProblem):
    def __init__(self, lock: Path, seconds: int) -> None:
        super().__init__(f"Another process has held {lock} for {seconds} seconds without finishing its start.")


def in_one_line(error: Exception) -> str:
    """Return the error's message without its line breaks; libpq's hints come on lines of their own."""
    return " ".join(str(error).split())

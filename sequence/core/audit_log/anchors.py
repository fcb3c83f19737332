"""Anchors, heads that somebody kept, and exports: what is read from files. Knows no database."""

import base64
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sequence.core.audit_log.chain import SIGNED
from sequence.core.audit_log.signing import is_signed
from sequence.core.audit_log.verifying import BAD_SIGNATURE, Fault, Finding, pairs, verify
from sequence.core.typing import JsonObject

KEY_BYTES = 32
# Bytes that are no UTF-8 become a character that nothing of ours is spelled with: what holds it is not as it was.
_BROKEN = "replace"


class Unreadable(ValueError):
    """A file that is not what it should be, in words."""


def read_anchor(path: Path) -> JsonObject:
    """Return the head in a file: alone, in an answer of the API, in an event, or as the last line of an export.

    Raises Unreadable, OSError.
    """
    text = path.read_text(encoding="utf-8", errors=_BROKEN)
    for part in (text, text.strip().rpartition("\n")[2]):
        try:
            return _head_in(json.loads(part))
        except (ValueError, RecursionError):
            continue
    raise Unreadable(f"There is no head in {path}: save the data of GET /audit-logs/head.")


def _head_in(value: object) -> JsonObject:
    """Return the head, however deep it is wrapped. Raises ValueError."""
    while isinstance(value, dict) and not {*SIGNED, "signature"} <= value.keys():
        value = value.get("head") or value.get("data")
    if not isinstance(value, dict) or not isinstance(value["sequence"], int):
        raise Unreadable("There is no head here.")
    if not all(isinstance(value[name], str) for name in ("hash", "key_id")):
        raise Unreadable("There is no head here.")
    return value


def read_public_keys(text: str) -> dict[str | None, bytes]:
    """Return the keys that ``--public-key`` gives: base64, or a file of it, of raw bytes or of GET /audit-logs/keys.

    One without an id is good for whatever id a head names. Raises Unreadable, OSError.
    """
    try:
        return {None: _raw_key(text)}
    except ValueError:
        raw = Path(text).read_bytes()
    if len(raw) == KEY_BYTES:
        return {None: raw}
    try:
        listed = json.loads(raw)
        listed = listed.get("data", listed) if isinstance(listed, dict) else listed
        keys = listed if isinstance(listed, list) else [listed]
        return {key["key_id"]: _raw_key(key["public_key"]) for key in keys}
    except (ValueError, KeyError, TypeError):
        return {None: _raw_key(raw.decode("ascii", "replace"))}


def _raw_key(text: str) -> bytes:
    """Return the bytes behind base64. Raises Unreadable."""
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise Unreadable("A public key is base64 of 32 bytes, or a file that holds it.")
    return raw


def is_genuine(head: JsonObject, keys: Mapping[str | None, bytes]) -> bool:
    """Say whether the head was signed by the key that it names, which is among ``keys``."""
    key = keys.get(head["key_id"], keys.get(None))
    return key is not None and is_signed(head, key)


def against(anchors: Iterable[JsonObject], keys: Mapping[str | None, bytes], finding: Finding) -> Finding:
    """Return the finding, or that an anchor is not genuine where nothing else is wrong before it."""
    forged = [anchor["sequence"] for anchor in anchors if not is_genuine(anchor, keys)]
    if not forged or (finding.fault is not None and finding.fault.sequence <= min(forged)):
        return finding
    return Finding(finding.sequence, finding.hash, Fault(min(forged), BAD_SIGNATURE))


def genuine(anchors: Iterable[JsonObject], keys: Mapping[str | None, bytes]) -> list[JsonObject]:
    """Return those of the anchors that are genuine."""
    return [anchor for anchor in anchors if is_genuine(anchor, keys)]


def verify_export(path: Path, keys: Mapping[str | None, bytes], anchors: Iterable[JsonObject] = ()) -> Finding:
    """Return what verifying an export finds: its entries against its own head, and against heads that were kept.

    Raises OSError.
    """
    head = _head_of_export(path)
    heads = [*anchors, *([head] if head else [])]
    finding = verify(lambda after: _entries_in(path, after), genuine(heads, keys))
    if head is None and finding.fault is None:
        return Finding(finding.sequence, finding.hash, Fault(finding.sequence, BAD_SIGNATURE))
    return against(heads, keys, finding)


def _head_of_export(path: Path) -> JsonObject | None:
    try:
        return _head_in(*deque(_lines(path), maxlen=1))
    except (ValueError, TypeError):
        return None


def _entries_in(path: Path, after: int) -> Iterator[JsonObject]:
    """Yield the entries in the order of the file, from the line behind number ``after`` on: all but the head."""
    for number, (line, following) in enumerate(pairs(_lines(path)), start=1):
        is_head = following is None and "sequence" not in line
        if number > after and not is_head:
            yield line


def _lines(path: Path) -> Iterator[JsonObject]:
    """Yield the objects of a file, one a line; what is none counts as one of which nothing is as it was."""
    with path.open(encoding="utf-8", errors=_BROKEN) as file:
        for line in file:
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
            yield value if isinstance(value, dict) else {}

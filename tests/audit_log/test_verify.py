"""Verifying: whoever owns the database can change a row, and is found out; offline from an export as well."""

import json
import socket
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from sequence.core import clock
from sequence.core.audit_log import checking
from sequence.core.audit_log.chain import hash_of
from sequence.core.audit_log.checking import check_and_note, check_chain, check_chains_daily
from sequence.core.audit_log.entries import read
from sequence.core.audit_log.models import AuditChain, AuditEntry
from sequence.core.audit_log.signing import add_signing_key, head_of, public_keys
from sequence.core.audit_log.verifying import Fault
from tests.core.audit_log.logs import chain_of, seal, write
from tests.past_guards import unguarded

TABLES = ("sequence_auditentry", "sequence_auditchain")


@pytest.fixture
def log(acme):
    """A log of six entries."""
    write(acme, 6)
    seal()
    return acme


@pytest.fixture
def verify(tmp_path):
    """Return a function that runs the command: its exit code, and what it says as JSON."""

    def run(*options: str) -> tuple[int, dict]:
        out, code = StringIO(), 0
        try:
            call_command("verify_audit_log", "--json", *options, stdout=out, stderr=StringIO())
        except SystemExit as end:
            code = end.code
        return code, json.loads(out.getvalue())

    return run


@pytest.fixture
def export(log, tmp_path):
    def write_file() -> str:
        path = tmp_path / "export.jsonl"
        call_command("export_audit_log", "--organization", log.id, "--to", str(path), stderr=StringIO())
        return str(path)

    return write_file


@pytest.fixture
def public_key(log) -> str:
    return public_keys()["ak1"]


@pytest.fixture
def kept_head(log, tmp_path) -> str:
    path = tmp_path / "head.json"
    path.write_text(json.dumps(head_of(log.id)))
    return str(path)


def execute(*statements: str) -> None:
    with unguarded(*TABLES), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def rewrite_from(organization, sequence: int) -> None:
    """Seal anew all from an entry on, as somebody would who knows how."""
    hash, rows = None, read(AuditEntry.objects.filter(organization=organization).order_by("sequence"))
    with unguarded(*TABLES):
        for row in rows:
            previous = hash if hash is not None and row.sequence > sequence else bytes(row.previous_hash)
            fresh = row._replace(previous_hash=previous)
            hash = hash_of(previous, fresh.as_json()) if row.sequence >= sequence else bytes(row.hash)
            AuditEntry.objects.filter(id=row.id).update(previous_hash=previous, hash=hash)
        AuditChain.objects.filter(organization=organization).update(hash=hash)


def _with(line: str, **values) -> str:
    """Return a line of an export with these values in its entry or head."""
    found = json.loads(line)
    found.get("head", found).update(values)
    return f"{json.dumps(found)}\n"


CHANGE = "UPDATE sequence_auditentry SET actor = 'key:other' WHERE sequence = 3"
SWAP_NUMBERS = [
    f"UPDATE sequence_auditentry SET sequence = {new} WHERE sequence = {old}"  # noqa: S608 - numbers of this file
    for old, new in [(3, 99), (5, 3), (99, 5)]
]
SWAP_CONTENTS = [
    "UPDATE sequence_auditentry AS one SET action = other.action, request_id = other.request_id,"
    " created_at = other.created_at, resource_id = other.resource_id, id = gen_random_uuid()"
    " FROM sequence_auditentry AS other WHERE one.sequence = 3 AND other.sequence = 5"
]
SWAP_SEALS = [
    "UPDATE sequence_auditentry AS one SET previous_hash = other.previous_hash, hash = other.hash, sequence = 90"
    " FROM sequence_auditentry AS other WHERE one.sequence = 3 AND other.sequence = 4",
    "UPDATE sequence_auditentry SET sequence = 3, hash = (SELECT previous_hash FROM sequence_auditentry WHERE"
    " sequence = 90), previous_hash = (SELECT hash FROM sequence_auditentry WHERE sequence = 2) WHERE sequence = 4",
    "UPDATE sequence_auditentry SET sequence = 4 WHERE sequence = 90",
]
TAMPERINGS = {
    "change": ([CHANGE], 3, "changed"),
    "change the last": ([CHANGE.replace("= 3", "= 6")], 6, "changed"),
    "change a hash": (["UPDATE sequence_auditentry SET hash = previous_hash WHERE sequence = 2"], 2, "changed"),
    "delete": (["DELETE FROM sequence_auditentry WHERE sequence = 3"], 3, "missing"),
    "delete the first": (["DELETE FROM sequence_auditentry WHERE sequence = 1"], 1, "missing"),
    "swap": (SWAP_NUMBERS, 3, "reordered"),
    "swap neighbours": ([text.replace("5", "4") for text in SWAP_NUMBERS], 3, "reordered"),
    "swap with the last": ([text.replace("5", "6") for text in SWAP_NUMBERS], 3, "reordered"),
    "swap with the seals": (SWAP_SEALS, 3, "reordered"),
    "replace by another's contents": (SWAP_CONTENTS, 3, "changed"),
    "cut": (["DELETE FROM sequence_auditentry WHERE sequence = 6"], 6, "shorter_than_anchor"),
    "cut all": (["DELETE FROM sequence_auditentry"], 1, "shorter_than_anchor"),
}


class TestTampering:
    @pytest.mark.parametrize("name", TAMPERINGS)
    def test_is_found_and_named_offline_as_well(self, log, verify, export, public_key, kept_head, name):
        statements, sequence, code = TAMPERINGS[name]
        execute(*statements)

        for options in [(), ("--organization", log.id), ("--anchor", kept_head)]:
            exit_code, facts = verify(*options)
            assert exit_code == 1
            [chain] = facts["chains"]
            assert (chain["chain"], chain["fault"]["sequence"], chain["fault"]["code"]) == (log.id, sequence, code)
        exit_code, facts = verify("--file", export(), "--public-key", public_key)
        assert exit_code == 1
        assert (facts["chains"][0]["fault"]["sequence"], facts["chains"][0]["fault"]["code"]) == (sequence, code)

    def test_of_a_row_that_is_sealed_anew_is_seen_by_the_next(self, log):
        execute(CHANGE)
        row = read(AuditEntry.objects.filter(sequence=3))[0]
        with unguarded(*TABLES):
            AuditEntry.objects.filter(sequence=3).update(hash=hash_of(bytes(row.previous_hash), row.as_json()))

        assert check_chain(log.id).fault == Fault(3, "changed")

    def test_of_all_that_follows_is_seen_by_whoever_kept_a_head(self, log, verify, kept_head):
        execute(CHANGE)
        rewrite_from(log, 3)

        # Who owns the database can rewrite the chain.
        assert verify()[0] == 0
        assert verify("--anchor", kept_head)[1]["chains"][0]["fault"]["code"] == "changed"

    def test_that_cuts_the_head_as_well_is_seen_by_whoever_kept_one(self, log, verify, kept_head):
        execute(
            "DELETE FROM sequence_auditentry WHERE sequence > 4",
            "UPDATE sequence_auditchain SET sequence = 4, hash = (SELECT hash FROM sequence_auditentry"
            " WHERE sequence = 4)",
        )

        assert verify()[0] == 0
        fault = verify("--anchor", kept_head)[1]["chains"][0]["fault"]
        assert (fault["sequence"], fault["code"]) == (5, "shorter_than_anchor")


class TestVerify:
    def test_finds_nothing_in_a_chain_as_it_was_sealed(self, log, globex, verify, kept_head):
        write(globex, 2), write(None)
        seal()
        write(log)

        code, facts = verify("--anchor", kept_head)

        assert (code, facts["ok"]) == (0, True)
        assert {chain["chain"]: chain["sequence"] for chain in facts["chains"]} == {
            log.id: 6,
            globex.id: 2,
            "no organization": 1,
        }

    def test_tells_a_person_in_a_sentence(self, log, capsys):
        call_command("verify_audit_log")
        assert f"{log.id}: 6 entries are as they were sealed." in capsys.readouterr().out

        execute(CHANGE)
        with pytest.raises(SystemExit):
            call_command("verify_audit_log")
        told = capsys.readouterr()
        assert f"{log.id}: entry 3: changed." in told.out
        assert f"{log.id}: entry 3: changed." in told.err

    def test_takes_a_head_as_it_was_saved(self, log, verify, tmp_path, export):
        head = head_of(log.id)
        for saved in [head, {"request_id": "x", "data": head}, {"event": "audit.checkpoint", "data": head}]:
            (tmp_path / "kept").write_text(json.dumps(saved, indent=2))
            assert verify("--anchor", str(tmp_path / "kept"))[0] == 0
        assert verify("--anchor", export())[0] == 0
        (tmp_path / "kept").write_text("{}")
        with pytest.raises(CommandError, match="There is no head in"):
            verify("--anchor", str(tmp_path / "kept"))

    def test_names_a_forged_anchor(self, log, verify, tmp_path):
        (tmp_path / "forged").write_text(json.dumps({**head_of(log.id), "sequence": 4}))

        code, facts = verify("--anchor", str(tmp_path / "forged"))

        assert code == 1
        assert facts["chains"][0]["fault"]["code"] == "bad_signature"
        assert facts["chains"][0]["fault"]["sequence"] == 4

    @pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b'{"head": {}}', b"{}", b""])
    def test_says_that_an_anchor_is_none(self, log, verify, tmp_path, content):
        path = tmp_path / "head.json"
        path.write_bytes(content)

        with pytest.raises(CommandError, match="There is no head in"):
            verify("--anchor", str(path))

    def test_takes_an_anchor_that_an_older_key_signed(self, log, verify, kept_head):
        add_signing_key()

        assert verify("--anchor", kept_head)[0] == 0

    def test_refuses_an_anchor_of_a_chain_that_it_does_not_look_at(self, log, globex, verify, kept_head):
        with pytest.raises(CommandError, match="is the head of"):
            verify("--organization", globex.id, "--anchor", kept_head)

    def test_says_when_an_entry_waits_too_long(self, log, verify, set_clock):
        now = clock.now()
        write(log)
        assert verify()[0] == 0

        set_clock(now + checking.UNSEALED_TOO_LONG * 2)
        assert verify()[1]["chains"][0]["fault"]["code"] == "unsealed_too_long"


class TestExport:
    def test_is_the_chain_with_its_head_as_the_last_line(self, log, export):
        with open(export()) as file:
            *entries, last = [json.loads(line) for line in file]

        assert entries == chain_of(log)
        assert last["head"]["sequence"] == 6
        assert last["head"]["hash"] == entries[-1]["hash"]

    @pytest.mark.parametrize("form", ["base64", "file of base64", "raw", "answer", "list"])
    def test_is_verified_with_a_public_key_in_any_form(self, verify, export, public_key, tmp_path, form):
        import base64

        path = tmp_path / "key"
        listed = [{"key_id": "ak1", "public_key": public_key}]
        path.write_bytes(
            {
                "base64": b"",
                "file of base64": public_key.encode() + b"\n",
                "raw": base64.b64decode(public_key),
                "answer": json.dumps({"request_id": "x", "data": listed}).encode(),
                "list": json.dumps(listed).encode(),
            }[form]
        )

        given = public_key if form == "base64" else str(path)
        assert verify("--file", export(), "--public-key", given)[0] == 0

    def test_needs_no_database(self, verify, export, public_key, kept_head, monkeypatch, django_db_blocker):
        path = export()
        monkeypatch.setattr(socket, "socket", None)
        django_db_blocker.block()
        try:
            code, facts = verify("--file", path, "--public-key", public_key, "--anchor", kept_head)
        finally:
            django_db_blocker.restore()

        assert (code, facts["chains"][0]["sequence"]) == (0, 6)

    @pytest.mark.parametrize(
        ("edit", "sequence", "code"),
        [
            (lambda lines: [*lines[:2], lines[2].replace("CREATE", "DELETE"), *lines[3:]], 3, "changed"),
            (lambda lines: [*lines[:2], "nonsense\n", *lines[3:]], 3, "changed"),
            (lambda lines: [*lines[:2], "[" * 100_000 + "\n", *lines[3:]], 3, "changed"),
            (lambda lines: [*lines[:2], _with(lines[2], hash=[]), *lines[3:]], 3, "changed"),
            (lambda lines: [*lines[:2], lines[2].replace("CREATE", "\udcff"), *lines[3:]], 3, "changed"),
            (lambda lines: [*lines[:2], '{"head": {}, "actor": "nobody"}\n', *lines[2:]], 3, "reordered"),
            (lambda lines: [*lines[:2], lines[-1], *lines[2:]], 3, "reordered"),
            (lambda lines: lines[:2] + lines[3:], 3, "missing"),
            (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], 3, "reordered"),
            (lambda lines: lines[:-2] + lines[-1:], 6, "shorter_than_anchor"),
            (lambda lines: lines[:-1], 6, "bad_signature"),
            (lambda lines: [*lines[:-1], lines[-1].replace('"sequence":6', '"sequence":5')], 5, "bad_signature"),
            (lambda lines: [*lines[:-1], '{"head": {"key_id": []}}\n'], 6, "bad_signature"),
            (lambda lines: [*lines[:-1], _with(lines[-1], key_id=[])], 6, "bad_signature"),
            (lambda lines: [*lines[:-1], "nonsense\n"], 6, "bad_signature"),
            (lambda lines: [], 0, "bad_signature"),
        ],
    )
    def test_that_was_edited_is_found_out(self, verify, export, public_key, edit, sequence, code):
        path = export()
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
        # A half of a surrogate pair is written as a byte that is no UTF-8.
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(edit(lines))

        exit_code, facts = verify("--file", path, "--public-key", public_key)

        assert exit_code == 1
        fault = facts["chains"][0]["fault"]
        assert (fault["sequence"], fault["code"]) == (sequence, code)

    def test_bears_no_other_keys_signature(self, verify, export):
        path = export()
        other = add_signing_key().public_key

        assert verify("--file", path, "--public-key", other)[1]["chains"][0]["fault"]["code"] == "bad_signature"

    def test_wants_the_key_to_be_named(self, verify, export, tmp_path):
        with pytest.raises(CommandError, match="--public-key"):
            verify("--file", export())
        with pytest.raises(CommandError):
            verify("--file", export(), "--public-key", str(tmp_path / "absent"))


class TestDailyCheck:
    def test_goes_through_a_chain_part_by_part(self, log, monkeypatch):
        monkeypatch.setattr(checking, "PART", 4)
        now = clock.now()

        assert check_chains_daily(now) == 4
        assert AuditChain.objects.get().verified_at is None
        assert check_chains_daily(now) == 2
        assert AuditChain.objects.get().verified_at == now
        assert check_chains_daily(now) == 0
        assert check_chains_daily(now + checking.ROUND * 1.1) == 4

    def test_keeps_what_it_finds_until_a_whole_check_finds_nothing(self, log, monkeypatch):
        monkeypatch.setattr(checking, "PART", 2)
        execute(CHANGE)
        now = clock.now()

        for _ in range(3):
            check_chains_daily(now)
        chain = AuditChain.objects.get()
        assert (chain.fault_sequence, chain.fault_code) == (3, "changed")

        assert check_and_note(log.id).fault == Fault(3, "changed")
        execute("UPDATE sequence_auditentry SET actor = 'key:key_01M88S84EYGFVWFW4MTJ3PMM81' WHERE sequence = 3")
        assert check_and_note(log.id).fault is None
        assert AuditChain.objects.get().fault_code == ""

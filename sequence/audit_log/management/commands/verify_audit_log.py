import base64
import sys
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from apikeys.services import get_organization
from sequence.core.audit_log.anchors import Unreadable, against, genuine, read_anchor, read_public_keys, verify_export
from sequence.core.audit_log.checking import check_chain, organizations_with_entries
from sequence.core.audit_log.signing import public_keys
from sequence.core.audit_log.verifying import Finding
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject

NOBODY = "no organization"


class Command(OperatorCommand):
    help = (
        "Recompute the audit log's chain. Names the first entry that is not as it was, and ends with exit code 1. With "
        "heads that were kept elsewhere it also sees a chain that was rewritten whole. --file needs no database."
    )

    exit_code = 0

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG_ID", help="only this one's")
        parser.add_argument(
            "--anchor",
            action="append",
            default=[],
            type=Path,
            metavar="FILE",
            help="a head that was kept: an answer of GET /audit-logs/head, an event, an export; repeated",
        )
        parser.add_argument("--file", type=Path, metavar="EXPORT", help="an export, instead of the database")
        parser.add_argument(
            "--public-key", metavar="K", help="base64, or a file that holds it or the answer of GET /audit-logs/keys"
        )

    def run(
        self,
        *,
        organization: str | None,
        anchor: list[Path],
        file: Path | None,
        public_key: str | None,
        **options: object,
    ) -> JsonObject:
        if file is not None and public_key is None:
            raise CommandError("--file needs --public-key: whose signature is the head to bear?")
        try:
            anchors = [read_anchor(path) for path in anchor]
            keys = read_public_keys(public_key) if public_key else None
            chains = (
                _check_database(organization, anchors, keys)
                if file is None
                else {str(file): verify_export(file, keys or {}, anchors)}
            )
        except (Unreadable, OSError) as error:
            raise CommandError(str(error)) from None
        facts = [_facts(name, finding) for name, finding in chains.items()]
        self.exit_code = int(any(fact["fault"] for fact in facts))
        return {"ok": not self.exit_code, "chains": facts}

    def handle(self, *args: object, **options: object) -> None:
        super().handle(*args, **options)
        if self.exit_code:
            sys.exit(self.exit_code)

    def tell(self, facts: JsonObject) -> None:
        for chain in facts["chains"]:
            fault = chain["fault"]
            if fault is None:
                self.stdout.write(f"{chain['chain']}: {chain['sequence']} entries are as they were sealed.")
            else:
                sentence = f"{chain['chain']}: entry {fault['sequence']}: {fault['code']}. {fault['message']}"
                self.stdout.write(sentence)
                self.stderr.write(f"The audit log is wrong. {sentence}")


def _check_database(
    organization: str | None, anchors: list[JsonObject], keys: dict[str | None, bytes] | None
) -> dict[str, Finding]:
    """Return what is found in each chain. Raises CommandError where an anchor belongs to none of them."""
    ids = [get_organization(organization).id] if organization else organizations_with_entries()
    strangers = {anchor["organization_id"] for anchor in anchors} - set(ids)
    if strangers:
        raise CommandError(f"An anchor is the head of {min(map(str, strangers))}, whose chain is not verified here.")
    known = keys or {id: base64.b64decode(key) for id, key in public_keys().items()}
    found = {}
    for id in ids:
        own = [anchor for anchor in anchors if anchor["organization_id"] == id]
        found[id or NOBODY] = against(own, known, check_chain(id, genuine(own, known)))
    return found


def _facts(name: str, finding: Finding) -> JsonObject:
    return {
        "chain": name,
        "sequence": finding.sequence,
        "hash": finding.hash.hex(),
        "fault": finding.fault.as_json() if finding.fault else None,
    }

"""Distribution over many machines: what each table is to be, and the SQL that turns a database over to Citus.

A distributed table has its organization, in every primary or unique key and in every foreign key to another one:
https://docs.citusdata.com/en/stable/develop/reference_ddl.html. Foreign keys carry it here already wherever that costs
no further index; primary keys get it by what ``statements`` prints. docs/scaling.md says how.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper

COLUMN = "organization_id"


class Kind(StrEnum):
    """What becomes of a table."""

    DISTRIBUTED = "distributed"
    REFERENCE = "reference"
    LOCAL = "local"


_STAFF = (Kind.LOCAL, "staff: people, sign-ins, their sessions and groups")
_OF_DJANGO = (Kind.LOCAL, "Django's own")
# Each table that is none of an organization, and why. A new one fails a test until it stands in one of the two.
NOT_DISTRIBUTED: Mapping[str, tuple[Kind, str]] = {
    "apikeys_organization": (Kind.REFERENCE, "the list of organizations: few rows, pointed to from every table"),
    "apikeys_organizationevent": (Kind.REFERENCE, "trail of the list"),
    "auth_group": _STAFF,
    "auth_group_permissions": _STAFF,
    "auth_permission": _STAFF,
    "auth_user": _STAFF,
    "auth_user_groups": _STAFF,
    "auth_user_user_permissions": _STAFF,
    "django_admin_log": _STAFF,
    "django_content_type": _OF_DJANGO,
    "django_migrations": _OF_DJANGO,
    "django_session": _STAFF,
    "pghistory_context": (
        Kind.REFERENCE,
        "who and why of an event: written with rows of an organization, and of none",
    ),
    "sequence_auditchain": (
        Kind.LOCAL,
        "one chain is of the entries that are nobody's, so no column of it is never null",
    ),
    "sequence_auditentry": (Kind.LOCAL, "some entries are nobody's, and each is sealed in its chain's order"),
    "sequence_auditsigningkey": (Kind.REFERENCE, "one pair of keys signs for every organization"),
    "sequence_secondfactor": _STAFF,
    "sequence_secondfactorevent": _STAFF,
    "sequence_signin": _STAFF,
    "sequence_signinwindow": _STAFF,
    "sequence_trackedgroupevent": _STAFF,
    "sequence_trackedgrouppermissionevent": _STAFF,
    "sequence_trackeduserevent": _STAFF,
    "sequence_trackedusergroupevent": _STAFF,
    "sequence_trackeduserpermissionevent": _STAFF,
    "sequence_workerprocess": (Kind.LOCAL, "workers belong to nobody"),
    "transfers_ledgercheck": (Kind.LOCAL, "a check is of the whole ledger"),
    "transfers_railtrouble": (Kind.REFERENCE, "one row for each rail, which is every organization's"),
}
DISTRIBUTED = frozenset(
    {
        *("accounts_account", "accounts_accountevent"),
        *("apikeys_apikey", "apikeys_apikeyevent", "apikeys_callinprogress", "apikeys_idempotencyrecord"),
        *("apikeys_idempotencyrecordevent", "apikeys_keycustodian", "apikeys_permissionentry"),
        *("apikeys_permissionentryevent", "apikeys_ratewindow", "apikeys_spendcounter", "apikeys_spentpair"),
        *("cards_card", "cards_carddecline", "cards_cardevent", "cards_cardtransaction"),
        *("replays_rulereplay", "rules_arrivallook", "rules_rule", "rules_ruleexecution"),
        "rules_ruleidnicknamedescriptionstatusversionenabledbyenable823f",
        *("rules_rulemove", "rules_ruleversion"),
        *("sequence_approvalnotice", "sequence_approvalreader", "sequence_callsbeyondlimit", "sequence_event"),
        *("sequence_eventcounter", "sequence_eventreader", "sequence_pendingdelivery", "sequence_webhookdelivery"),
        *("sequence_webhookendpoint", "sequence_webhookendpointevent"),
        *("transfers_achlimits", "transfers_achlimitsevent", "transfers_balancemark", "transfers_entryset"),
        *("transfers_posting", "transfers_simulatedmark", "transfers_simulatedmarkevent"),
        *("transfers_simulatedpayment", "transfers_simulatedtransfer", "transfers_suspenseitem"),
        *("transfers_suspenseitemevent", "transfers_transfer", "transfers_transferdecision"),
    }
)
# A key is that of a constraint or an index that stands alone, with its column names in order.
_KEYS = """
SELECT indrelid::regclass::text, indexrelid::regclass::text, contype, pg_get_indexdef(indexrelid),
    pg_get_constraintdef(pg_constraint.oid), ARRAY(
        SELECT pg_get_indexdef(indexrelid, number, true) FROM generate_series(1, indnkeyatts) number ORDER BY number
    )
FROM pg_index
JOIN pg_class ON pg_class.oid = indrelid AND relnamespace = current_schema()::regnamespace
LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')
WHERE indisunique ORDER BY 1, 2
"""
# Numbers that PostgreSQL counts up itself; Citus takes none that is narrower than a bigint.
_NARROW_NUMBERS = """
SELECT attrelid::regclass::text, quote_ident(attname) FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid AND relnamespace = current_schema()::regnamespace
WHERE attidentity <> '' AND atttypid IN ('smallint'::regtype, 'integer'::regtype) AND relkind = 'r' ORDER BY 1, 2
"""
_FOREIGN_KEYS = """
SELECT conrelid::regclass::text, confrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid), ARRAY(
        SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS one (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place
    )
FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 3
"""


def kind_of(table: str) -> Kind:
    """Return what becomes of the table. Raises KeyError of one that nobody has decided about."""
    return Kind.DISTRIBUTED if table in DISTRIBUTED else NOT_DISTRIBUTED[table][0]


class Key(NamedTuple):
    """A primary or unique key as it stands in the catalogue. ``constraint`` is None of an index that stands alone."""

    table: str
    name: str
    type: str | None
    as_index: str
    constraint: str | None
    columns: list[str]

    @property
    def drop(self) -> str:
        if self.constraint is None:
            return f"DROP INDEX {self.name}"
        return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name}"

    @property
    def widened(self) -> str:
        """What makes it anew with the organization, last: whoever looks by its first columns alone finds as before."""
        if self.constraint is None:
            return _with_organization(self.as_index)
        return f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} {_with_organization(self.constraint)}"


class ForeignKey(NamedTuple):
    """A foreign key as it stands in the catalogue."""

    table: str
    target: str
    name: str
    constraint: str
    columns: list[str]

    @property
    def drop(self) -> str:
        return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name}"

    @property
    def widened(self) -> str:
        """What makes it anew, with the organization on both sides."""
        text = self.constraint
        if COLUMN not in self.columns:
            own, target = text.split(" REFERENCES ")
            text = f"{_with_organization(own)} REFERENCES {_with_organization(target)}"
        return f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} {text}"


class Statement(NamedTuple):
    """One statement, and whether it calls a function of Citus'."""

    text: str
    is_of_citus: bool = False


def statements(cursor: CursorWrapper) -> Iterator[Statement]:
    """Yield the SQL that turns the database over, in order, from its catalogue as it is now.

    Foreign keys come back last: some point in a circle, and each wants what it points to beside it.
    """
    cursor.execute(_KEYS)
    keys = [key for key in map(Key._make, cursor.fetchall()) if key.table in DISTRIBUTED]
    cursor.execute(_FOREIGN_KEYS)
    foreign = [key for key in map(ForeignKey._make, cursor.fetchall()) if {key.table, key.target} <= DISTRIBUTED]
    narrow = [key for key in keys if COLUMN not in key.columns]
    # (organization, id) is unique so that foreign keys may name it; the primary key says the same from now on.
    primary = {(key.table, frozenset([*key.columns, COLUMN])) for key in narrow if key.type == "p"}
    doubled = [key for key in keys if key.type == "u" and (key.table, frozenset(key.columns)) in primary]
    yield from (Statement(key.drop) for key in foreign)
    yield from (Statement(key.drop) for key in [*doubled, *narrow])
    yield from _wide_numbers(cursor)
    yield from (Statement(key.widened) for key in narrow)
    yield from _calls()
    yield from (Statement(key.widened) for key in foreign)


def _wide_numbers(cursor: CursorWrapper) -> Iterator[Statement]:
    cursor.execute(_NARROW_NUMBERS)
    for table, column in cursor.fetchall():
        if kind_of(table) is not Kind.LOCAL:
            yield Statement(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint")


def _calls() -> Iterator[Statement]:
    """Yield the calls of Citus' functions. The guards are triggers, which it takes with this setting alone."""
    yield Statement("SET citus.enable_unsafe_triggers = on", is_of_citus=True)
    for table in sorted(table for table, (kind, _) in NOT_DISTRIBUTED.items() if kind is Kind.REFERENCE):
        yield Statement(f"SELECT create_reference_table('{table}')", is_of_citus=True)
    first, *others = sorted(DISTRIBUTED)
    yield Statement(f"SELECT create_distributed_table('{first}', '{COLUMN}')", is_of_citus=True)
    for table in others:
        text = f"SELECT create_distributed_table('{table}', '{COLUMN}', colocate_with => '{first}')"
        yield Statement(text, is_of_citus=True)


def _with_organization(definition: str) -> str:
    """Return the definition of a key with the organization as the last of its columns."""
    depth, begin = 0, definition.index("(")
    for place, sign in enumerate(definition[begin:], start=begin):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return f"{definition[:place]}, {COLUMN}{definition[place:]}"
    raise ValueError(f"No list of columns in {definition}")

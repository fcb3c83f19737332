"""The staff's pages of money at ten thousand and at a million transfers: ``python -m benchmarks.money``."""

from functools import partial

from benchmarks.scene import Scene, describe, milliseconds, say, scratch_scene

from django.contrib.auth.models import User  # isort: skip - after benchmarks.scene, which sets Django up
from django.db import connection  # isort: skip
from django.test import Client  # isort: skip
from django.test.utils import CaptureQueriesContext  # isort: skip

from transfers.models import Posting, Transfer

SIZES = (10_000, 1_000_000)
SAMPLES = 20

PODS = 100

# Book transfers to and fro between pairs of pods, a second apart, settled. The guards are off: a million rows at once
# are no payment.
FILL = (
    """
INSERT INTO transfers_transfer (id, organization_id, amount_cents, direction, origin, status, source_id, destination_id,
                                rail, created_at, completed_at, updated_at)
SELECT gen_random_uuid(), pod.organization_id, 100 + number %% 2, 'internal', 'user', 'complete',
       CASE WHEN number %% 2 = 0 THEN pod.id ELSE other.id END, CASE WHEN number %% 2 = 0 THEN other.id ELSE pod.id END,
       'book', at, at, at
FROM generate_series(%(from)s + 1, %(to)s) AS number
CROSS JOIN LATERAL (SELECT now() - make_interval(secs => 2000000 - number) AS at) AS times
JOIN accounts_account AS pod ON pod.name = 'Pod ' || number / 2 %% 50
JOIN accounts_account AS other ON other.name = 'Pod ' || 50 + number / 2 %% 50
""",
    """
INSERT INTO transfers_entryset (organization_id, kind, transfer_id, posted_at)
SELECT organization_id, 'settlement', id, completed_at FROM transfers_transfer
WHERE rail = 'book' AND NOT EXISTS (SELECT FROM transfers_entryset WHERE transfer_id = transfers_transfer.id)
ORDER BY completed_at
""",
    """
INSERT INTO transfers_posting (organization_id, entry_set_id, account_id, amount_cents, posted_at)
SELECT one.organization_id, one.id, leg.account_id, leg.cents, one.posted_at
FROM transfers_entryset one JOIN transfers_transfer transfer ON transfer.id = one.transfer_id AND transfer.rail = 'book'
CROSS JOIN LATERAL (
    VALUES (transfer.source_id, -transfer.amount_cents), (transfer.destination_id, transfer.amount_cents)
) AS leg (account_id, cents)
WHERE NOT EXISTS (SELECT FROM transfers_posting WHERE entry_set_id = one.id) ORDER BY one.id
""",
    # What the trigger does one by one.
    """
INSERT INTO transfers_balancemark (posting_id, organization_id, account_id, posted_at, balance_cents)
SELECT id, organization_id, account_id, posted_at, cents FROM (
    SELECT *, SUM(amount_cents) OVER (PARTITION BY account_id ORDER BY posted_at, id) AS cents FROM transfers_posting
    WHERE account_id IS NOT NULL
) posted WHERE hashint8(id) %% 500 = 0 ON CONFLICT (posting_id) DO UPDATE SET balance_cents = EXCLUDED.balance_cents
""",
    """
UPDATE accounts_account SET balance_cents = total.cents, created_at = now() - interval '60 days'
FROM (SELECT account_id, SUM(amount_cents) AS cents FROM transfers_posting GROUP BY account_id) AS total
WHERE accounts_account.id = total.account_id
""",
)


def main() -> None:
    with scratch_scene(pods=PODS, cents_in_each=10_000_000_00) as scene:
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.create_superuser("benchmark"))
        filled = 0
        for size in SIZES:
            _fill(filled, size)
            filled = size
            _measure(scene, client)


def _fill(before: int, size: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in FILL:
            cursor.execute(statement, {"from": before, "to": size})
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in (
            "transfers_transfer",
            "transfers_entryset",
            "transfers_posting",
            "transfers_balancemark",
            "accounts_account",
        ):
            cursor.execute(f"VACUUM ANALYZE {table}")
    say(f"{Transfer.objects.count():,} transfers between {PODS} pods")


def _measure(scene: Scene, client: Client) -> None:
    pod = scene.pods[0]
    postings = Posting.objects.filter(account=pod, entry_set__transfer__rail="book").order_by("-posted_at", "-id")
    middle = postings[postings.count() // 2]
    newest = postings[10].entry_set.transfer_id
    account = f"/admin/accounts/account/{pod.id}/change/"
    pages = {
        "the account's page": account,
        "its movements, half way down": f"{account}?older={middle.pk}",
        "its statement of today": f"/admin/transfers/posting/statement/{pod.id}/?since={middle.posted_at:%Y-%m-%d}"
        f"&until={middle.posted_at:%Y-%m-%d}",
        "money followed, of a new transfer": f"/admin/transfers/posting/follow/{newest}/",
        "money followed, of one half way": f"/admin/transfers/posting/follow/{middle.entry_set.transfer_id}/",
        "the console": "/admin/",
        "search for an amount that half of them have": "/admin/search/?q=$1.01",
        "search for an amount that none has": "/admin/search/?q=$7.77",
        "search for a day": f"/admin/search/?q={middle.posted_at:%Y-%m-%d}",
        "search for a name": "/admin/search/?q=Pod+17",
    }
    for name, path in pages.items():
        read = partial(_read, client, path)
        with CaptureQueriesContext(connection) as statements:
            read()
        describe(f"{name}, {len(statements)} statements", [milliseconds(read) for _ in range(SAMPLES)])


def _read(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200  # noqa: S101 - a benchmark of nothing is none


if __name__ == "__main__":
    main()

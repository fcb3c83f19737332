"""Ledger invariants of cards, which check_ledger proves."""

from transfers.ledger_invariants import Check

CHECKS = (
    Check(
        "card_transactions_are_posted",
        "ctx",
        "it is a {0} of {1} cents, but the ledger moves {2} on its pod and {3} in the card network, and {4} elsewhere",
        """
        SELECT id, direction, amount_cents, own, network, elsewhere
        FROM (
            SELECT transaction.id, transaction.direction, transaction.amount_cents, entry_set.kind,
                   CASE transaction.direction WHEN 'debit' THEN -1 ELSE 1 END * transaction.amount_cents AS gain,
                   COALESCE(SUM(posting.amount_cents) FILTER (WHERE place.is_own), 0) AS own,
                   COALESCE(SUM(posting.amount_cents) FILTER (WHERE posting.clearing = 'cards'), 0) AS network,
                   COALESCE(SUM(ABS(posting.amount_cents)) FILTER (
                       WHERE NOT place.is_own AND posting.clearing IS DISTINCT FROM 'cards'), 0) AS elsewhere
            FROM cards_cardtransaction transaction
            JOIN accounts_account account ON account.id = transaction.account_id
            JOIN transfers_entryset entry_set ON entry_set.id = transaction.entry_set_id
            LEFT JOIN transfers_posting posting ON posting.entry_set_id = entry_set.id
            CROSS JOIN LATERAL (
                -- What comes back to a deleted pod stands in suspense.
                SELECT posting.account_id IS NOT DISTINCT FROM transaction.account_id
                    OR (posting.clearing IS NOT DISTINCT FROM 'suspense' AND account.deleted_at IS NOT NULL
                        AND transaction.direction = 'credit') AS is_own
            ) place
            GROUP BY transaction.id, transaction.organization_id, entry_set.kind
        ) posted
        WHERE kind <> 'card' OR own <> gain OR network <> -gain OR elsewhere <> 0
        """,
    ),
    Check(
        "card_postings_have_their_transaction",
        "entry set",
        "it moves money for a card, but {0} card transactions belong to it",
        """
        SELECT entry_set.id, COUNT(transaction.id) FROM transfers_entryset entry_set
        LEFT JOIN cards_cardtransaction transaction ON transaction.entry_set_id = entry_set.id
        WHERE entry_set.kind = 'card' GROUP BY entry_set.id HAVING COUNT(transaction.id) <> 1
        """,
    ),
    Check(
        "purchases_count_their_refunds",
        "ctx",
        "{0} of its {1} cents count as refunded, but its refunds add up to {2}",
        """
        SELECT purchase.id, purchase.refunded_cents, purchase.amount_cents, COALESCE(SUM(refund.amount_cents), 0)
        FROM cards_cardtransaction purchase
        LEFT JOIN cards_cardtransaction refund ON refund.purchase_id = purchase.id
        GROUP BY purchase.id, purchase.organization_id
        HAVING purchase.refunded_cents <> COALESCE(SUM(refund.amount_cents), 0)
            OR purchase.refunded_cents > purchase.amount_cents
        """,
    ),
)

"""Mails of approvals: one when transfers wait for a person, one a day before they would wait no longer.

A reader of the events with a cursor of its own makes a notice of each; another step mails those that are due, one mail
for each organization, and then takes them away. Killed in between it mails them once more: better twice than never.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import connection
from django.db.models import Q

from apikeys.models import Organization
from sequence.core.admin.display import dollars
from sequence.core.sweeps import swept_organization
from sequence.core.transactions import transactional
from sequence.mails.models import ApprovalNotice, Occasion
from transfers.models import APPROVAL_LIFETIME, Status, Transfer

log = structlog.get_logger("sequence.mails")

# Long enough to decide, also for somebody who reads mail once a day.
BEFORE_EXPIRY = timedelta(days=1)
BATCH = 100
# Longer than a mail server is waited for; after it another worker tries.
CLAIM = timedelta(minutes=5)

_MAKE_READERS = """
INSERT INTO sequence_approvalreader (organization_id, after_sequence)
SELECT organization_id, 0 FROM sequence_eventcounter ORDER BY organization_id ON CONFLICT (organization_id) DO NOTHING
"""
_READ = """
WITH behind AS (
    SELECT reader.organization_id, reader.after_sequence, counter.last_sequence
    FROM sequence_approvalreader AS reader JOIN sequence_eventcounter AS counter USING (organization_id)
    WHERE counter.last_sequence > reader.after_sequence
    ORDER BY reader.organization_id FOR NO KEY UPDATE OF reader SKIP LOCKED
), moved AS (
    UPDATE sequence_approvalreader AS reader SET after_sequence = behind.last_sequence
    FROM behind WHERE reader.organization_id = behind.organization_id
), noticed AS (
    INSERT INTO sequence_approvalnotice (organization_id, transfer_id, occasion, due_at)
    SELECT event.organization_id, (event.data ->> 'transfer_id')::uuid, news.occasion, news.due_at
    FROM behind
    JOIN sequence_event AS event ON event.organization_id = behind.organization_id
        AND event.sequence > behind.after_sequence AND event.sequence <= behind.last_sequence
        AND event.event = 'transfer.approval_required'
    CROSS JOIN LATERAL (
        VALUES (%s, event.created_at), (%s, (event.data ->> 'expires_at')::timestamptz - %s::interval)
    ) AS news (occasion, due_at)
    ON CONFLICT (organization_id, transfer_id, occasion) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM noticed
"""


def read_approvals(now: datetime) -> int:
    """Make notices of the approvals that events since the last time tell of, and return how many."""
    is_wanted = settings.APPROVALS_EMAIL and swept_organization() is None
    return _make_notices() if is_wanted else 0


@transactional
def _make_notices() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_READERS)
        cursor.execute(_READ, [Occasion.WAITS, Occasion.EXPIRES, f"{BEFORE_EXPIRY.days} days"])
        [noticed] = cursor.fetchone()
    return int(noticed)


def mail_approvals(now: datetime) -> int:
    """Mail what is due, and return how many notices that was. A mail that cannot be sent is tried again later."""
    if not settings.APPROVALS_EMAIL or swept_organization() is not None:
        return 0
    claimed = _claim(now)
    for organization_id, notices in groupby(claimed, key=lambda notice: notice.organization_id):
        _tell(organization_id, list(notices))
    return len(claimed)


@transactional
def _claim(now: datetime) -> list[ApprovalNotice]:
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    due = ApprovalNotice.objects.filter(is_free, due_at__lte=now).order_by("organization_id", "due_at", "id")
    notices = list(due.select_for_update(no_key=True, skip_locked=True)[:BATCH])
    ApprovalNotice.objects.filter(id__in=[notice.id for notice in notices]).update(claimed_until=now + CLAIM)
    return notices


def _tell(organization_id: str, notices: Sequence[ApprovalNotice]) -> None:
    """Send one organization's mail. Its notices go when it was sent, or when nothing of them waits any more."""
    waiting = Transfer.objects.filter(
        organization_id=organization_id,
        id__in={notice.transfer_id for notice in notices},
        status=Status.PENDING_APPROVAL,
    )
    transfers = list(waiting.select_related("source", "destination").order_by("created_at", "id"))
    if transfers:
        try:
            _send(Organization.objects.get(id=organization_id), notices, transfers)
        except OSError as error:  # smtplib's own errors are of this kind.
            log.error("approvals_not_mailed", organization=organization_id, exc_info=error)
            return
    ApprovalNotice.objects.filter(id__in=[notice.id for notice in notices]).delete()


def _send(organization: Organization, notices: Sequence[ApprovalNotice], transfers: Sequence[Transfer]) -> None:
    expiring = {notice.transfer_id for notice in notices if notice.occasion == Occasion.EXPIRES}
    count = len(transfers)
    what = "1 transfer waits" if count == 1 else f"{count} transfers wait"
    ends = ", and expires within a day" if expiring.issuperset(transfer.id for transfer in transfers) else ""
    lines = "\n".join(_line(transfer, is_expiring=transfer.id in expiring) for transfer in transfers)
    send_mail(
        subject=f"{organization.name}: {what} for approval{ends}",
        message=(
            f"{organization.name}: {what} for a person to approve or reject.\n\n{lines}\n\n"
            f"All that waits: /admin/transfers/transfer/desk/?organization={organization.id}\n"
        ),
        from_email=None,
        recipient_list=settings.APPROVALS_EMAIL,
    )


def _line(transfer: Transfer, *, is_expiring: bool) -> str:
    ends_at = transfer.created_at + APPROVAL_LIFETIME
    until = f" Undecided it is cancelled on {ends_at:%Y-%m-%d at %H:%M} UTC." if is_expiring else ""
    way = " to ".join(account.name for account in (transfer.source, transfer.destination) if account)
    return f"- {dollars(transfer.amount_cents)} from {way}.{until} /admin/transfers/transfer/{transfer.id}/change/"

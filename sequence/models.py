"""Tables under the app label ``sequence``, where Django looks for them. They stand in rooms of their own."""

from sequence.core.audit_log.models import (  # noqa: F401 - Django finds models by this module
    AuditChain,
    AuditEntry,
    AuditSigningKey,
    CallsBeyondLimit,
)
from sequence.core.events.models import Event, EventCounter, EventReader  # noqa: F401
from sequence.core.models import *  # noqa: F403 - all that it lists
from sequence.mails.models import ApprovalNotice, ApprovalReader  # noqa: F401
from sequence.webhooks.models import PendingDelivery, WebhookDelivery, WebhookEndpoint  # noqa: F401

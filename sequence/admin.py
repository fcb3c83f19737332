"""Pages of the house's own tables, where Django looks for them."""

from sequence.core.admin.pages import sign_ins, staff, trail, workers
from sequence.events import admin as events
from sequence.webhooks import admin as webhooks

__all__ = ["events", "sign_ins", "staff", "trail", "webhooks", "workers"]

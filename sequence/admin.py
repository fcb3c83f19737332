"""Pages of the house's own tables, where Django looks for them."""

from sequence.core.admin.pages import sign_ins, staff, trail, workers

__all__ = ["sign_ins", "staff", "trail", "workers"]

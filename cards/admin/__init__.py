"""Cards for staff: issue, freeze, switch off, control, charge and refund, and what they spent."""

from cards.admin import cards, console

__all__ = ["cards", "console"]

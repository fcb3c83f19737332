"""Trace of a plan: JSON that says what was seen and decided, as it is stored and shown."""

from typing import Any

# Open at every level: an action type's trace has facts of its own.
Trace = dict[str, Any]

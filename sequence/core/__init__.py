"""Core: what every app stands on, and which knows none of them."""

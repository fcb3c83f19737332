"""Outbox of events: what changed and is worth telling, written with the change and numbered after its commit."""

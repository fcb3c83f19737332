"""Webhooks: events told to the endpoints that people made for an organization, at least once and signed."""

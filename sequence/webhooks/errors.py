"""Refusals of webhooks."""

from typing import Self

from sequence.core.errors import Conflict, InvalidRequest, NotFound


class WebhookNotFound(NotFound):
    message = "Webhook endpoint not found."


class NothingToTest(Conflict):
    """Its format tells of few events, and a test is none of them."""

    code = "nothing_to_test"
    message = "This endpoint's format has no test of its own, and nothing has happened yet that it could be sent again."
    remedy = "Let something happen that the endpoint's format tells of, then test it."


class WebhookDisabled(Conflict):
    code = "webhook_disabled"
    message = "This endpoint is disabled, so nothing is sent to it. Enable it first."
    remedy = "Enable the endpoint first."


class AddressNotAllowed(InvalidRequest):
    """An address that requests must never be sent to. ``text`` says which, and what it is."""

    detail_code = "address_not_allowed"

    @classmethod
    def because(cls, reason: str) -> Self:
        """Return the refusal of an endpoint's url."""
        return cls.of("url", cls.detail_code, reason)

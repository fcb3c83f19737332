"""Base of the commands that tell of one webhook endpoint."""

from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class EndpointCommand(OperatorCommand):
    """A command that reports an endpoint."""

    def tell(self, facts: JsonObject) -> None:
        """Print the facts for a person, to whom no chosen events are all of them."""
        super().tell({**facts, "events": facts["events"] or "all"})

"""Endpoint by which a program stops itself."""

from rest_framework.request import Request

from apikeys.operations import operation
from apikeys.views import KeyViewSet as OwnKey
from sequence.core.typing import JsonObject
from sequence.stops import services
from sequence.stops.serializers import PauseBody, StopAccounting


class KeyViewSet(OwnKey):
    """What a program may ask of its own key, and that it stops."""

    @operation(
        scope=None,
        action="PAUSE_KEY",
        answers_paused=True,
        summary="Pause this key until a person resumes it",
        description=(
            "Cancels everything that the key has asked for and that no payment rail has yet. Pausing twice changes "
            "nothing more and answers zeros. No key resumes itself."
        ),
        body=PauseBody,
        response=StopAccounting,
    )
    def pause(self, request: Request) -> JsonObject:
        reason = self.body.get("reason")
        return services.pause_key(key_id=self.caller.id, by=self.actor, note=reason).as_json()

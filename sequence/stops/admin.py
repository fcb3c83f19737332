"""Stopping for staff: a button on every key and organization, and the accounting as the answer."""

from abc import abstractmethod
from typing import ClassVar, TypedDict, TypeVar, Unpack

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from apikeys.models import ApiKey, Organization, OrganizationStatus
from rules.models import Rule
from sequence.core.admin.base import ObjectPage, StaffAdmin, actor_of
from sequence.core.admin.notes import NoteForm, note_of
from sequence.core.typing import JsonObject
from sequence.stops import services
from sequence.stops.accounting import Accounting

# Keys and organizations can be stopped.
S = TypeVar("S", ApiKey, Organization)


class StopOptions(TypedDict):
    """Who stops it, why, and whether its rules are disabled too."""

    by: str
    note: str | None
    disable_rules: bool


class StopForm(NoteForm):
    disable_rules = forms.BooleanField(
        required=False, label="Disable those rules too", help_text="They stay disabled when it is resumed."
    )


class _Stop(ObjectPage[S]):
    permission = "stop"
    is_dangerous = True
    form_class = StopForm
    done: ClassVar[str]

    @abstractmethod
    def rules_of(self, obj: S) -> list[Rule]:
        """Return the enabled rules that it wrote or last changed."""

    @abstractmethod
    def stop(self, obj: S, **how: Unpack[StopOptions]) -> Accounting:
        """Stop it."""

    def told_rules(self, obj: S) -> str:
        """Return the sentence that names the rules which may be disabled in the same step."""
        names = ", ".join(str(rule) for rule in self.rules_of(obj))
        return f"Enabled rules that it wrote or last changed: {names or 'none'}."

    def perform(self, request: HttpRequest, obj: S, choices: JsonObject) -> HttpResponse:
        note = note_of(request, choices)
        accounting = self.stop(obj, by=actor_of(request), note=note, disable_rules=choices["disable_rules"])
        model_admin = admin.site.get_model_admin(type(obj))
        assert isinstance(model_admin, StaffAdmin)  # noqa: S101 - tells the type checker
        return model_admin.page(
            request,
            "admin/stops/stopped.html",
            title=f"{obj} is {self.done}",
            original=obj,
            label=self.label,
            accounting=accounting,
            address=model_admin.address_of(obj),
        )


class StopKey(_Stop[ApiKey]):
    name = "stop"
    audit_action = "PAUSE_KEY"
    label = "Stop"
    done = "paused"

    def offered(self, obj: ApiKey) -> bool:
        return obj.paused_at is None and obj.revoked_at is None

    def rules_of(self, obj: ApiKey) -> list[Rule]:
        return services.enabled_rules_of(services.reach_of_keys(services.lineage_of(obj)))

    def consequences(self, obj: ApiKey) -> list[str]:
        return [
            f"Whatever uses {obj.name} ({obj.prefix}…) or one of its rotations is refused from its next request on.",
            "All transfers that it has asked for and that no rail has yet are cancelled, and its runs of rules ended.",
            "Somebody who may change keys can resume it. What is cancelled stays so.",
            self.told_rules(obj),
        ]

    def stop(self, obj: ApiKey, **how: Unpack[StopOptions]) -> Accounting:
        return services.pause_key(key_id=obj.id, **how)


class RevokeKey(_Stop[ApiKey]):
    name = "revoke"
    label = "Revoke"
    done = "revoked"

    def offered(self, obj: ApiKey) -> bool:
        return obj.revoked_at is None

    def rules_of(self, obj: ApiKey) -> list[Rule]:
        return services.enabled_rules_of(services.reach_of_keys([obj]))

    def consequences(self, obj: ApiKey) -> list[str]:
        return [
            f"Whatever uses {obj.name} ({obj.prefix}…) is refused with 401 from its next request on.",
            "All transfers that it has asked for and that no rail has yet are cancelled, and its runs of rules ended.",
            "This cannot be undone. To bring that program back, create a new key.",
            self.told_rules(obj),
        ]

    def stop(self, obj: ApiKey, **how: Unpack[StopOptions]) -> Accounting:
        return services.revoke_key(key_id=obj.id, **how)


class StopOrganization(_Stop[Organization]):
    name = "stop"
    audit_action = "SUSPEND_ORGANIZATION"
    label = "Stop"
    done = "suspended"

    def offered(self, obj: Organization) -> bool:
        return obj.status == OrganizationStatus.ACTIVE

    def rules_of(self, obj: Organization) -> list[Rule]:
        return services.enabled_rules_of(services.reach_of_organization(obj))

    def consequences(self, obj: Organization) -> list[str]:
        return [
            f"Every API key of {obj.name} is refused with 401 from its next request on.",
            "All its transfers that no rail has yet are cancelled, and its runs of rules ended.",
            "Its rules start nothing. Money that arrives is booked, and what is with a rail goes on.",
            "Somebody who may change organizations can make it active again. What is cancelled or missed stays so.",
            self.told_rules(obj),
        ]

    def stop(self, obj: Organization, **how: Unpack[StopOptions]) -> Accounting:
        return services.suspend_organization(organization_id=obj.id, **how)

"""Pages about one object that say what will happen, ask, and do it; ``base`` serves them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from django import forms
from django.db import models
from django.db.models.options import Options
from django.http import HttpRequest, HttpResponse, QueryDict

from sequence.core.admin.acts import action_on
from sequence.core.admin.deciders import Deciders
from sequence.core.typing import Context

# The model whose page it is.
M = TypeVar("M", bound=models.Model)


class ObjectPage(ABC, Generic[M]):
    """A page about one object that says what will happen, asks, and does it.

    Subclasses set ``name`` (the last part of the address), ``label`` (the button), ``permission`` (the verb of the
    model permission that is needed), and implement ``offered``, ``consequences`` and ``perform``. ``audit_action`` is
    for the audit log, where name and model make no good one.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    permission: ClassVar[str]
    audit_action: ClassVar[str] = ""
    is_dangerous: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form]] = forms.Form

    def offered(self, obj: M) -> bool:
        """Say whether it makes sense in the object's present state."""
        return True

    @abstractmethod
    def consequences(self, obj: M) -> Sequence[str]:
        """Return what will happen, a sentence each. Whoever presses the button has read just these."""

    def lock(self, obj: M) -> None:
        """Lock whatever else the consequences tell of, the object's own row being locked: in the services' order."""

    def form(self, obj: M, sent: QueryDict | None) -> forms.Form:
        """Return what is asked for besides the button, with what was sent."""
        return self.form_class(sent)

    def deciders(self, obj: M) -> Deciders:
        """Return who may, where the permission alone does not say it. The page tells it; the service checks it."""
        return Deciders()

    def action_on(self, obj: M) -> str:
        """Return what the audit log calls it."""
        return self.audit_action or action_on(type(obj), self.name)

    @abstractmethod
    def perform(self, request: HttpRequest, obj: M, choices: Context) -> HttpResponse | str:
        """Do it. Return what to tell the person, or a page of its own. May raise DomainError."""

    def is_allowed(self, request: HttpRequest, obj: M) -> bool:
        """Say whether this person may do it to this object now."""
        return self.has_permission(request, obj._meta) and self.offered(obj)

    def has_permission(self, request: HttpRequest, options: Options) -> bool:
        """Say whether this person holds the model permission."""
        return request.user.has_perm(f"{options.app_label}.{self.permission}_{options.model_name}")

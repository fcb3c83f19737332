"""Reasons why a rule did not run, each with its sentence, and the answer that is made of one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import TextChoices

from rules.engine.changes import Change


class Reason(TextChoices):
    """What became of a rule when money arrived, each with its sentence. The first that applies is the answer."""

    RAN = "ran", "The rule ran, and moved money."
    OTHER_TRIGGER = "other_trigger", "Money that arrives did not set this rule off as it was then."
    OTHER_ACCOUNT = "other_account", "The rule waited for money on another account."
    NOT_COMPLETE = "not_complete", "The transfer has not arrived, and only money that has arrived sets a rule off."
    IS_REFUND_OR_RETURN = "is_refund_or_return", "The money had gone back before the rule could run."
    BEFORE_CREATION = "before_creation", "The rule did not exist yet when the money arrived."
    DISABLED_THEN = "disabled_then", "The rule was not enabled, from the money's arrival until it was looked at."
    ORGANIZATION_STOPPED = (
        "organization_stopped",
        "The organization was suspended before the rule could run, and what it missed then never fires later.",
    )
    REPLACED_BEFORE_RUN = "replaced_before_run", "The rule was replaced before it could run, which disabled it."
    LOOP_STOPPED = "loop_stopped", "Rules that set each other off had run as often as they may, so this one did not."
    CONDITIONS_NOT_MET = "conditions_not_met", "The conditions of none of its steps held."
    NOTHING_TO_MOVE = "nothing_to_move", "The conditions of a step held, and its actions had nothing to move."
    FAILED = "failed", "The rule ran, and nothing that it tried came to move money."
    NOT_YET = "not_yet", "The rule has not run yet: a worker has still to look at the money that arrived."


@dataclass(frozen=True)
class Answer:
    """Why, by which version of the rule, in which run; and what would have made its conditions hold."""

    reason: Reason
    version: int | None
    execution_id: str | None = None
    changes: Sequence[Change] = ()

    @property
    def has_run(self) -> bool:
        return self.reason is Reason.RAN

    @property
    def sentence(self) -> str:
        if not self.changes:
            return self.reason.label
        first = self.changes[0]
        return f"{self.reason.label.removesuffix('.')}; one would have if {first.path} had been {first.to}."

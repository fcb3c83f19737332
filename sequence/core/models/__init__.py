"""Models of the house itself: what the audit trail needs, how staff sign in, and the workers that run."""

from sequence.core.models.audit import (
    AuditTrail,
    TrackedGroup,
    TrackedGroupPermission,
    TrackedUser,
    TrackedUserGroup,
    TrackedUserPermission,
)
from sequence.core.models.sign_in import SIGN_INS_KEPT, SecondFactor, SignIn, SignInOutcome, SignInWindow
from sequence.core.models.workers import WorkerProcess

__all__ = [
    "SIGN_INS_KEPT",
    "AuditTrail",
    "SecondFactor",
    "SignIn",
    "SignInOutcome",
    "SignInWindow",
    "TrackedGroup",
    "TrackedGroupPermission",
    "TrackedUser",
    "TrackedUserGroup",
    "TrackedUserPermission",
    "WorkerProcess",
]

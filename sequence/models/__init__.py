"""The house's own tables: what the audit trail needs, how staff sign in, and the workers that run."""

from sequence.models.audit import (
    AuditTrail,
    TrackedGroup,
    TrackedGroupPermission,
    TrackedUser,
    TrackedUserGroup,
    TrackedUserPermission,
)
from sequence.models.sign_in import SecondFactor, SignInWindow
from sequence.models.workers import WorkerProcess

__all__ = [
    "AuditTrail",
    "SecondFactor",
    "SignInWindow",
    "TrackedGroup",
    "TrackedGroupPermission",
    "TrackedUser",
    "TrackedUserGroup",
    "TrackedUserPermission",
    "WorkerProcess",
]

"""The house's own tables: what the audit trail needs, and the workers that run."""

from sequence.models.audit import (
    AuditTrail,
    TrackedGroup,
    TrackedGroupPermission,
    TrackedUser,
    TrackedUserGroup,
    TrackedUserPermission,
)
from sequence.models.workers import WorkerProcess

__all__ = [
    "AuditTrail",
    "TrackedGroup",
    "TrackedGroupPermission",
    "TrackedUser",
    "TrackedUserGroup",
    "TrackedUserPermission",
    "WorkerProcess",
]

from django.apps import AppConfig


class AuditLogConfig(AppConfig):
    name = "sequence.audit_log"
    label = "audit_log"

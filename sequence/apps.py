from django.apps import AppConfig, apps
from django.conf import settings
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class SequenceConfig(AppConfig):
    name = "sequence"
    verbose_name = "Audit"  # What staff find under it.

    def ready(self) -> None:
        from sequence.core.admin import staff_sessions  # noqa: F401 - they connect themselves.
        from sequence.core.admin.groups import make_missing_groups  # Models, which load after the app.
        from sequence.core.admin.sign_in_events import forget_old_sign_ins
        from sequence.core.database import role_checks  # noqa: F401 - they connect themselves.
        from sequence.core.database.append_only import install_guards
        from sequence.core.database.functions import install_functions
        from sequence.core.database.grants import grant_to_application, refuse_powerful_role
        from sequence.core.sweeps import register_chore

        # Naming it by a subclass of its AppConfig would hide the app from the type checker's plugin.
        apps.get_app_config("auth").verbose_name = "Staff"
        post_migrate.connect(make_missing_groups, dispatch_uid="sequence.make_missing_groups")
        register_chore(forget_old_sign_ins)
        # Once for each migrate, when the tables of all apps are there.
        for protect in (install_functions, install_guards, grant_to_application):
            post_migrate.connect(protect, sender=self, dispatch_uid=f"sequence.{protect.__name__}")
        if settings.PRODUCTION:
            connection_created.connect(refuse_powerful_role, dispatch_uid="sequence.refuse_powerful_role")

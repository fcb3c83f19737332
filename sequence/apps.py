from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class SequenceConfig(AppConfig):
    name = "sequence"
    verbose_name = "Audit"  # What staff find under it.

    def ready(self) -> None:
        from sequence import staff_sessions  # noqa: F401 - connects itself to signing in.
        from sequence.admin.groups import make_missing_groups  # Models, which load after the app.
        from sequence.admin.sign_in_events import forget_old_sign_ins
        from sequence.append_only import install_guards
        from sequence.sweeps import register_chore

        # Naming it by a subclass of its AppConfig would hide the app from the type checker's plugin.
        apps.get_app_config("auth").verbose_name = "Staff"
        post_migrate.connect(make_missing_groups, dispatch_uid="sequence.make_missing_groups")
        register_chore(forget_old_sign_ins)
        # Once for each migrate, when the tables of all apps are there.
        post_migrate.connect(install_guards, sender=self, dispatch_uid="sequence.install_guards")

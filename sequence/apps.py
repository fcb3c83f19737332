from django.apps import AppConfig, apps


class SequenceConfig(AppConfig):
    name = "sequence"
    verbose_name = "Audit"  # What staff find under it.

    def ready(self) -> None:
        """Connect what ``wiring.py`` lists to Django. No other app does anything when it loads."""
        from sequence import wiring  # Models, which load after the app.

        # Naming it by a subclass of its AppConfig would hide the app from the type checker's plugin.
        apps.get_app_config("auth").verbose_name = "Staff"
        wiring.connect_signals()

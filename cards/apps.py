from django.apps import AppConfig


class CardsConfig(AppConfig):
    name = "cards"

    def ready(self) -> None:
        from accounts.signals import account_deleting
        from cards import checks, guards
        from transfers.checks import register_check

        account_deleting.connect(guards.refuse_while_a_card_spends_from_it)
        for check in checks.CHECKS:
            register_check(check)

from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"

    def ready(self) -> None:
        from accounts.signals import account_deleting
        from sequence.sweeps import register_chore, register_sweep
        from transfers import guards, ledger_checks, settlement

        account_deleting.connect(guards.refuse_while_money_is_under_way)
        for sweep in settlement.SWEEPS:
            register_sweep(sweep)
        register_chore(ledger_checks.check_ledger_daily)

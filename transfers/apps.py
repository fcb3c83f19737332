from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"

    def ready(self) -> None:
        from accounts.signals import account_deleting
        from sequence.core.sweeps import register_chore, register_sweep
        from transfers import guards, ledger_checks, settlement
        from transfers.checks import register_check
        from transfers.trail_checks import trail_checks

        account_deleting.connect(guards.refuse_while_money_is_under_way)
        for sweep in settlement.SWEEPS:
            register_sweep(sweep)
        register_chore(ledger_checks.check_ledger_daily)
        for check in trail_checks():
            register_check(check)

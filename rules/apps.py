from django.apps import AppConfig


class RulesConfig(AppConfig):
    name = "rules"

    def ready(self) -> None:
        from accounts.signals import account_deleting
        from apikeys.resources import offer_resources
        from apikeys.scopes import ResourceKind
        from rules import receivers, services, sweeps
        from sequence.core.sweeps import register_sweep

        offer_resources(ResourceKind.RULE, services.name_rules)
        account_deleting.connect(receivers.refuse_while_an_enabled_rule_uses_it)
        for sweep in sweeps.SWEEPS:
            register_sweep(sweep)

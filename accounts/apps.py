from django.apps import AppConfig

from apikeys.resources import offer_resources
from apikeys.scopes import ResourceKind


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts.services import name_accounts  # Models, which load after the apps.

        offer_resources(ResourceKind.ACCOUNT, name_accounts)

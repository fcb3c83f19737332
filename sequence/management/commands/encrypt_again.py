from django.apps import apps
from django.db import models, transaction

from sequence.core.commands.base import OperatorCommand
from sequence.core.encryption import EncryptedField
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = (
        "Encrypt bank numbers and other secrets under the first of BANK_NUMBER_KEYS. Run it after a new key was put "
        "in front and everything was started with it; then the old key can be dropped."
    )

    def run(self, **options: object) -> JsonObject:
        self.record()
        return {"encrypted": sum(_encrypt_again(model) for model in apps.get_models() if not model._meta.proxy)}


def _encrypt_again(model: type[models.Model]) -> int:
    """Write each row's secrets anew, one row at a time: nobody waits for long. Returns how many rows that was."""
    names = [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedField)]
    if not names:
        return 0
    holds_any = ~models.Q(**dict.fromkeys(names))
    keys = list(model._base_manager.filter(holds_any).order_by("pk").values_list("pk", flat=True))
    return sum(_encrypt_row(model, key, names) for key in keys)


def _encrypt_row(model: type[models.Model], key: object, names: list[str]) -> int:
    with transaction.atomic():
        values = model._base_manager.select_for_update(no_key=True).filter(pk=key).values(*names).first()
        return model._base_manager.filter(pk=key).update(**values) if values else 0

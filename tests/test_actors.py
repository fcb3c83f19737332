"""Who did something is written down whole, however long the name."""

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import models

from apikeys.models import MAX_ACTOR_LENGTH

OURS = {"apikeys", "accounts", "transfers", "cards", "rules", "sequence"}
# The prefix of a staff user's name on the trail.
STAFF = "staff:"
LONGEST = STAFF + "ä" * User._meta.get_field("username").max_length


def columns_of_actors():
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField)
            if (
                model._meta.app_label in OURS
                and is_text
                and (field.name in ("by", "actor") or field.name.endswith("_by"))
            ):
                yield pytest.param(field, id=f"{model._meta.label}.{field.name}")


class TestColumnsOfActors:
    @pytest.mark.parametrize("field", list(columns_of_actors()))
    def test_take_the_longest_name_of_staff(self, field):
        assert field.max_length >= MAX_ACTOR_LENGTH >= len(LONGEST)

    def test_are_found(self):
        assert len(list(columns_of_actors())) >= 7

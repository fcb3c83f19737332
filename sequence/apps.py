from django.apps import AppConfig


class SequenceConfig(AppConfig):
    name = "sequence"

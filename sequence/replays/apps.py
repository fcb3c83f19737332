from django.apps import AppConfig


class ReplaysConfig(AppConfig):
    name = "sequence.replays"
    label = "replays"

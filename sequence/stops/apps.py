from django.apps import AppConfig


class StopsConfig(AppConfig):
    name = "sequence.stops"
    label = "stops"

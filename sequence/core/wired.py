"""Wiring of this installation: the tables of ``settings.WIRING``, as ``ROOT_URLCONF`` names those of addresses.

What stands below cannot import what stands above, and still has to run it: a worker the sweeps of all apps, a page the
panels of others. Those who need a table ask for it by name when they run; nobody registers anything.
"""

from importlib import import_module
from typing import Any

from django.conf import settings


def wired(table: str) -> Any:
    """Return the table of that name, such as ``SWEEPS``. Its type stands where it is written."""
    return getattr(import_module(settings.WIRING), table)

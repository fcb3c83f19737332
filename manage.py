#!/usr/bin/env python
"""Django's command line: ``python manage.py help`` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import OperationalError

from sequence.postgres.errors import in_one_line, is_connection_failure

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequence.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        if not is_connection_failure(error):
            raise
        sys.exit(f"The database cannot be reached. {in_one_line(error)}")

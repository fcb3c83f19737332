#!/usr/bin/env python
"""Django's command line: ``python manage.py help`` lists the commands."""

import os
import signal
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import OperationalError

from sequence.local.postgres.errors import in_one_line, is_connection_failure

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sequence.settings")
    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our lines, such as `head`, has enough of them. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        if not is_connection_failure(error):
            raise
        sys.exit(f"The database cannot be reached. {in_one_line(error)}")

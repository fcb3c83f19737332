"""``./run``: everything needed to try Sequence on this machine, in one command. Standard library only."""

import argparse
import os
import sys

from sequence.local.launch.address import Address
from sequence.local.launch.install import INTERRUPTED, continue_inside
from sequence.local.launch.problem import LaunchProblem

PROMISE = """\
Install what is missing into .venv, start the database, bring its tables up to date,
create a demo on the first start, and serve the API, with a worker beside it, until Ctrl-C.
"""

VARIABLES = """\
variables:
  PORT          where the web server listens (8000)
  HOST          on which of this machine's addresses (127.0.0.1)
  WEB_WORKERS   how many web processes (one for each processor, at most 4)
  DATABASE_URL  an existing PostgreSQL, as postgres://user:password@host:5432/name;
                without it, one of its own runs in .local/postgres

docs/running.md tells more.
"""


def refuse_production() -> None:
    """Raise LaunchProblem where the environment is a production server's."""
    # As django-environ reads it, which is not installed yet.
    if os.environ.get("PRODUCTION", "").lower() in ("true", "on", "ok", "y", "yes", "1"):
        raise LaunchProblem("./run makes a demo, and is not for production: docs/deploying.md tells what is.")


def main() -> None:
    """Set up what is missing, then serve: ``./run``. Ends this process."""
    argparse.ArgumentParser(
        prog="./run", description=PROMISE, epilog=VARIABLES, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        refuse_production()
        Address.from_environment().check_free()
        continue_inside("sequence.local.launch.serve", [], with_tests=False)
    except LaunchProblem as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()

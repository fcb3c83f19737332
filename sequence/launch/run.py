"""``./run``: everything needed to try Sequence on this machine, in one command. Standard library only."""

import argparse
import sys

from sequence.launch.address import Address
from sequence.launch.install import INTERRUPTED, continue_inside
from sequence.launch.problem import LaunchProblem

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


def main() -> None:
    argparse.ArgumentParser(
        prog="./run", description=PROMISE, epilog=VARIABLES, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        Address.from_environment().check_free()
        continue_inside("sequence.launch.serve", [], with_tests=False)
    except LaunchProblem as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()

"""``./test``: the test suite, short, full or long, or the part that its arguments name. Standard library only."""

import sys

from sequence.local.launch.install import INTERRUPTED, continue_inside
from sequence.local.launch.problem import LaunchProblem

HELP = """\
usage: ./test [pytest's arguments]

Install what is missing into .venv, start a database for tests in .local/test-postgres, run pytest on all processors,
and stop the database. The exit code is pytest's.

  ./test                           every promise, in minutes; the last lines say how many tests were left out
  ./test --full                    what CI runs: browsers, servers, kills and the demo's year as well
  ./test --long                    all of that in its longest form: hours
  ./test tests/postgres -k stale   a part of it
  ./test -n 0 -x --pdb             in one process, into the debugger at the first failure

variables:
  DATABASE_URL  test on an existing PostgreSQL instead; its role must be allowed to create databases
"""


def main(arguments: list[str]) -> None:
    """Install what the tests need, then run them: ``./test``. Ends this process."""
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(HELP)
        return
    try:
        continue_inside("sequence.local.launch.suite", arguments, with_tests=True)
    except LaunchProblem as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Launch problem: what keeps a start from succeeding. Standard library only."""


class LaunchProblem(Exception):
    """Shown to the person at the terminal as it is: one line that says what to do."""

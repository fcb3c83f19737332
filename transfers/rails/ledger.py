"""Rails of the ledger itself: it moves the money at once, and nobody else is asked."""

from transfers.rails.base import End, Rail


class BookRail(Rail):
    """Moves money between accounts of the ledger, at once."""

    name = "book"
    label = "Book (between own accounts, at once)"
    settles_at_once = True
    has_ach_limits = False

    def carries(self, source: End, destination: End) -> bool:
        return not source.is_external and not destination.is_external


class IncomingRail(Rail):
    """What somebody outside began: it has happened when we hear of it, and no account of ours asks for it."""

    name = "incoming"
    label = "Incoming (started by somebody outside)"
    settles_at_once = True
    has_ach_limits = False

    def carries(self, source: End, destination: End) -> bool:
        return False

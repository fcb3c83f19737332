"""What moves money outside, behind one interface. A real provider is one more class in this package."""

from transfers.models import RailName
from transfers.rails.base import Rail, Report, ReportKind
from transfers.rails.simulated import SimulatedRail

# Book transfers need no rail: the ledger alone moves them.
RAILS: dict[str, Rail] = {RailName.SIMULATED: SimulatedRail()}

__all__ = ["RAILS", "Rail", "Report", "ReportKind"]

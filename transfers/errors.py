"""Refusals of transfers."""

from sequence.core.errors import Conflict, DomainError, NotFound


class TransferNotFound(NotFound):
    message = "Transfer not found."


class MaxAmountExceeded(DomainError):
    code = "max_amount_exceeded"
    status = 403
    message = "This key may move at most {cap_cents} cents a {period} from {source} to {destination}."
    sample_names = {"cap_cents": 50000, "period": "day", "source": "*", "destination": "*"}
    is_outcome = True


class TransferNotCancellable(Conflict):
    code = "transfer_not_cancellable"
    message = "The transfer is {status}. Only one that is pending_approval or processing can be cancelled."
    sample_names = {"status": "complete"}


class TransferNotDecidable(Conflict):
    code = "transfer_not_decidable"
    message = "The transfer is {status}. Only one that is pending_approval can be approved or rejected."


class ApprovalRefused(Conflict):
    """The transfer cannot be approved as things stand now. It stays undecided: it may be rejected."""

    code = "approval_refused"
    message = "{reason} Reject the transfer, or mend that and approve it again."


class SomebodyElseMustDecide(ApprovalRefused):
    """The transfer may well be approved, but not by this person, who may only reject it."""

    message = "{reason} You may only reject it."


class InsufficientFunds(Conflict):
    code = "insufficient_funds"
    message = "{name} has {available_cents} cents available, not {amount_cents}."


class BalanceTooLarge(Conflict):
    code = "balance_too_large"
    message = "{name} can hold at most {most_cents} cents."


class AccountTypeNotAllowed(Conflict):
    code = "not_on_this_account"
    message = "{name} is {kind}. {advice}"


class NotSimulated(Conflict):
    code = "not_on_the_simulated_rail"
    message = "The transfer is {status} on the rail '{rail}': {advice}"

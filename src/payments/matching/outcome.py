"""What the passes decided, before it is told."""

from dataclasses import dataclass

from payments.matching.fitting import Fit
from payments.matching.values import Criterion, Payable, PaymentStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision itself."""

    status: PaymentStatus
    summary: str
    shares: tuple[Fit, ...] = ()
    """The orders that get money; each gets what its fit gives."""
    decided_by: Criterion | None = None
    """The criterion that took or stopped it; None where all together did."""
    held: tuple[Payable, ...] = ()
    """Orders that would be taken, but that the rules leave to a person."""

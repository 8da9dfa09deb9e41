"""Why a payment waits for a person before it may take part in matching (DESIGN §6, §7)."""

from enum import IntEnum


class Hold(IntEnum):
    """One reason; where several are true, the first of these that is.

    Only NEW_SENDER is about the sender: its confirmation lets the sender's other
    payments go that wait for this same reason. Any other is about one payment.
    TWIN stays whatever a mail tells later; TAKEN_BACK comes after any but TWIN.
    """

    NONE = 0
    WEAK = 1
    """The mail is not proven to be the bank's."""
    REVIEW = 2
    """It was read by guess, or is of a kind that a person must look at."""
    LIMIT = 3
    """It is above what may pay an order by itself."""
    NEW_SENDER = 4
    """The first payment of this address, bank and sender's domain."""
    HOURLY_CAP = 5
    """As many as may pay by themselves in an hour have done so."""
    TWIN = 6
    """It looks like another payment and nothing tells the two apart."""
    TAKEN_BACK = 7
    """A mail says that the bank may have taken the money back."""

"""Who told of a payment."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payment's mail came from: together the sender that a person confirms once."""

    address_id: UUID | None = None
    bank: str = ""
    sender_domain: str = ""

    def __str__(self) -> str:
        return f"{self.sender_domain or 'unknown'} ({self.bank or 'unknown bank'})"

"""How a bank writes: the port that each bank's module implements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from sandbox.banks.ledger import Account, Movement
from sandbox.banks.letter import Letter


@dataclass(frozen=True, slots=True)
class SigningHabit:
    """How a bank signs: what its real mails were seen to do."""

    selector: str
    key_bits: int
    headers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class House:
    """A bank's place in the world.

    `client_ip` is the loopback address that it delivers from; `dmarc` its
    policy, None where it has none; `signing` None where it signs nothing.
    """

    name: str
    domain: str
    sender: str
    host: str
    client_ip: str
    zone: ZoneInfo
    dmarc: str | None
    signing: SigningHabit | None


class Form(Protocol):
    """One form of a bank's notifications."""

    @property
    def movements_max(self) -> int:
        """How many movements one mail tells of at most."""

    def write(self, account: Account, movements: Sequence[Movement], message_id: str) -> Letter:
        """Tell of movements of one account, oldest first. Raises ValueError for too many."""

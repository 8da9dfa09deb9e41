"""A bank's own books: accounts, their movements, and the balance after each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from spojka.values import ZERO

MOVEMENTS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a payment order says. The amount is above zero for money that comes in, below for out.

    `counter_account` is written as the bank prints it; `message` is the
    payer's, free text.
    """

    amount: Decimal
    counter_account: str = "2222222222/0800"
    counterparty: str = "Šťastná Jiřina"
    vs: str = ""
    ks: str = ""
    ss: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """A booked transfer. `number` counts the bank's movements; `time` is the bank's local time."""

    number: int
    account: str
    currency: str
    time: datetime
    transfer: Transfer
    balance_after: Decimal

    @property
    def amount(self) -> Decimal:
        """Above zero for money that came in."""
        return self.transfer.amount


@dataclass(slots=True)
class Account:
    """A client's account. `notified` are the mail addresses that are told of its movements."""

    number: str
    currency: str
    owner: str
    balance: Decimal = ZERO
    notified: list[str] = field(default_factory=list)


class NoSuchAccount(Exception):
    """The bank does not keep this account."""


class Ledger:
    """The accounts of one bank."""

    def __init__(self) -> None:
        """Begin with none."""
        self._accounts: dict[str, Account] = {}
        self._movements: list[Movement] = []

    @property
    def accounts(self) -> Iterable[Account]:
        """All accounts."""
        return self._accounts.values()

    def open(self, account: Account) -> Account:
        """Keep one more account."""
        self._accounts[account.number] = account
        return account

    def account(self, number: str) -> Account:
        """An account by its number. Raises NoSuchAccount."""
        try:
            return self._accounts[number]
        except KeyError:
            known = ", ".join(self._accounts) or "none"
            raise NoSuchAccount(f"There is no account {number} here; there are: {known}.") from None

    def book(self, number: str, transfer: Transfer, time: datetime) -> Movement:
        """Book a transfer. Raises NoSuchAccount, and ValueError for an amount of zero."""
        account = self.account(number)
        if not transfer.amount:
            raise ValueError("a transfer of nothing is none")
        if len(self._movements) >= MOVEMENTS_MAX:
            raise ValueError(f"the stand-in keeps at most {MOVEMENTS_MAX} movements")
        account.balance += transfer.amount
        movement = Movement(
            number=len(self._movements) + 1,
            account=number,
            currency=account.currency,
            time=time,
            transfer=transfer,
            balance_after=account.balance,
        )
        self._movements.append(movement)
        return movement

    def movements(self, number: str) -> Sequence[Movement]:
        """An account's movements, oldest first."""
        return [movement for movement in self._movements if movement.account == number]

"""Banks with accounts, and their mails opened by the standard library alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage

from sandbox.banks import Account, Bank, Movement, Transfer
from sandbox.banks.fio import Prose, Short
from sandbox.banks.form import Form
from sandbox.banks.street import Street, build

MERCHANT = "bmail-q7m2x9k4t8w3r6v1c5d0hz4n8b@pay.example"
FIO_ACCOUNT = "1111111111"
CSOB_ACCOUNT = "3333333333"
TATRA_ACCOUNT = "SK5411000000002611111104"
PAYER = "2222222222/0800"
TATRA_PAYER = "1100/000000-2922222207"
NOW = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """One bank's one account, its form of mail, and who pays to it."""

    bank: Bank
    form: Form
    account: str
    payer: str

    def book(self, amount: Decimal, **fields: str) -> Movement:
        return self.bank.book(self.account, Transfer(amount, self.payer, "Vzorová Eva", **fields))

    def write(self, *movements: Movement) -> bytes:
        self.bank.form = self.form
        return self.bank.write(movements, MERCHANT)


def street_with_accounts(port: int = 1, notified: Sequence[str] = (MERCHANT,)) -> Street:
    """All banks; each keeps one account of the merchant's with 1000.00 on it."""
    street = build("127.0.0.1", port)
    for bank, number, currency in (
        (street.fio, FIO_ACCOUNT, "CZK"),
        (street.csob, CSOB_ACCOUNT, "CZK"),
        (street.tatra, TATRA_ACCOUNT, "EUR"),
    ):
        bank.open_account(
            Account(number, currency, "E-shop Vzor s.r.o.", Decimal(1000), list(notified))
        )
    return street


def desks(street: Street) -> dict[str, Desk]:
    """Every form of every bank."""
    return {
        "fio short": Desk(street.fio, Short(), FIO_ACCOUNT, PAYER),
        "fio prose": Desk(street.fio, Prose(), FIO_ACCOUNT, PAYER),
        "csob ceb": Desk(street.csob, street.csob.form, CSOB_ACCOUNT, PAYER),
        "tatra bmail": Desk(street.tatra, street.tatra.form, TATRA_ACCOUNT, TATRA_PAYER),
    }


def opened(raw: bytes) -> EmailMessage:
    """A mail as the standard library reads it."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message

"""What the banks themselves know: their movements, and the letters that tell of each.

The measure of every test here: an order may be paid by what a bank booked, and
by nothing else.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from random import Random
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from spojka.outbox import new_id
from tests.mail_ingest import letters
from tests.mail_ingest.genuineness.signing import rsa_key, signed
from tests.mail_ingest.letters import Slovak, Told

TATRA_HEADERS: Final = (
    b"from", b"to", b"message-id", b"subject", b"mime-version", b"content-type",
    b"content-transfer-encoding", b"date",
)  # fmt: skip
FIRST_SYMBOL: Final = 7_000_000


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank as the world sees it, and the merchant's account there."""

    name: str
    domain: str
    sender: str
    ip: str
    own: str
    """As its letters print it."""
    account: str
    currency: str
    payer: str
    selector: str = ""
    """Of its signature; empty where it signs nothing."""


FIO: Final = Bank(
    "fio_cz", "fio.cz", "automat@fio.cz", "127.0.0.11",
    "1111111111", "1111111111/2010", "CZK", "2222222222/0800",
)  # fmt: skip
CSOB: Final = Bank(
    "csob_cz", "csob.cz", "notification@csob.cz", "127.0.0.12",
    "3333333333", "3333333333/0300", "CZK", "2222222222/0800",
)  # fmt: skip
TATRA: Final = Bank(
    "tatra_sk", "tatrabanka.sk", "b-mail@tatrabanka.sk", "127.0.0.13",
    "SK5411000000002611111104", "SK5411000000002611111104", "EUR",
    "1100/000000-2922222207", "mta",
)  # fmt: skip
BANKS: Final = (FIO, CSOB, TATRA)


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that a bank booked for one order, and the order as the shop knows it."""

    number: int
    bank: Bank
    amount: Decimal
    symbol: str
    order_id: UUID
    balance: Decimal

    def told(self, message: str = "", name: str = "Vzorová Eva") -> Told:
        """The movement as a letter tells it, with the payer's own words."""
        now = datetime.now(UTC).astimezone(ZoneInfo("Europe/Prague"))
        return Told(
            amount=self.amount,
            own=self.bank.own,
            counter=self.bank.payer,
            name=name,
            vs=self.symbol,
            ks="0308",
            message=message,
            balance=self.balance,
            day=now.strftime("%d.%m.%Y"),
            time=now.strftime("%H:%M"),
        )


def _fio_short(told: Told) -> bytes:
    return _mail(FIO, letters.fio_short(told), "iso-8859-2", "quoted-printable")


def _fio_prose(told: Told) -> bytes:
    return _mail(FIO, _prose(told), "utf-8", "8bit")


def _fio_base64(told: Told) -> bytes:
    return _mail(FIO, _prose(told), "windows-1250", "base64")


def _prose(told: Told) -> str:
    return letters.fio_prose(told).replace("4711000001", f"47{told.vs:0>8}")


def _csob_business(told: Told) -> bytes:
    block = letters.csob_business_block(told)
    return _mail(CSOB, letters.csob_business(block), "utf-8", "quoted-printable")


def _csob_retail(told: Told) -> bytes:
    return _mail(CSOB, letters.csob_retail(told), "windows-1250", "8bit")


def _tatra(told: Told) -> bytes:
    slovak = Slovak(
        own=told.own, described=f"CCINT {told.counter}", reference=f"/VS{told.vs}/SS/KS{told.ks}"
    )
    raw = _mail(TATRA, letters.tatra(told, slovak), "us-ascii", "7bit")
    return signed(
        raw,
        rsa_key(),
        domain=TATRA.domain,
        selector=TATRA.selector,
        headers=TATRA_HEADERS,
        canonicalize=(b"simple", b"simple"),
        sign_time=datetime.now(UTC),
    )


FORMS: Final[Mapping[str, tuple[Bank, Callable[[Told], bytes]]]] = {
    "fio_short": (FIO, _fio_short),
    "fio_prose": (FIO, _fio_prose),
    "fio_base64": (FIO, _fio_base64),
    "csob_business": (CSOB, _csob_business),
    "csob_retail": (CSOB, _csob_retail),
    "tatra": (TATRA, _tatra),
}


@dataclass(slots=True)
class Ledger:
    """Books movements; each has a symbol and an order of its own."""

    random: Random
    movements: list[Movement] = field(default_factory=list)
    balance: Decimal = Decimal("1000000.00")

    def book(self, bank: Bank) -> Movement:
        """Book one more movement."""
        number = len(self.movements)
        # Grouped as banks group: a blank that is mutated stands inside of the amount.
        amount = Decimal(self.random.randrange(100_000, 999_999)) / 100
        # The balance of an account goes on: it tells movements apart.
        self.balance += amount
        movement = Movement(
            number, bank, amount, str(FIRST_SYMBOL + number), new_id(), self.balance
        )
        self.movements.append(movement)
        return movement


def _mail(bank: Bank, body: str, charset: str, encoding: str) -> bytes:
    sent = format_datetime(datetime.now(UTC))
    raw = letters.mail(
        _ascii(body) if charset == "us-ascii" else body,
        sender=bank.sender,
        subject="Zprava o pohybu na ucte",
        charset=charset,
        encoding=encoding,
        date=sent,
    )
    return raw.replace(b"<1@bank.example>", f"<{new_id().hex}@{bank.domain}>".encode())


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

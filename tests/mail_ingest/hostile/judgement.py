"""What must hold after any flood: money where the banks' ledgers put it, no mail lost."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from spojka.api.mail.v1.mail_service_pb2 import MAIL_STATE_RECEIVED
from tests.mail_ingest.hostile.house import House
from tests.mail_ingest.hostile.ledger import Movement

PERMANENT: Final = frozenset({"250", "552", "554"})
"""What the door may answer to a mail: it is taken, too large or empty. Never "try again"."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that was sent: of which movement, what was done to it, and from where."""

    movement: Movement
    mutation: str
    way: str

    def __str__(self) -> str:
        booked, bank = self.movement, self.movement.bank
        return f"{booked.amount} {bank.currency} of {bank.name}, {self.mutation}, {self.way}"


@dataclass(slots=True)
class Books:
    """What the services' databases say of a tenant after the flood."""

    mails: dict[bytes, dict[str, Any]]
    payments: list[dict[str, Any]]
    """One row for each payment, mail that told of it, and order that it pays (or none)."""
    paid: dict[UUID, Decimal]
    dead_letters: int


async def read_books(house: House) -> Books:
    """Read everything."""
    mails = await house.rows("SELECT id, digest, state, trust, value FROM mail_ingest.mail")
    payments = await house.rows(
        """
        SELECT payment.id, amount, currency, incoming, variable_symbol, status, mail.digest,
               given.order_id, given.sum
        FROM payments.payment
        JOIN payments.payment_source AS source ON source.payment_id = payment.id
        JOIN mail_ingest.mail ON mail.id = source.mail_id
        LEFT JOIN LATERAL (
            SELECT order_id, sum(allocation.amount) AS sum FROM payments.allocation
            WHERE payment_id = payment.id AND order_id IS NOT NULL GROUP BY order_id
        ) AS given ON true
        """
    )
    paid = await house.rows("SELECT order_id, paid FROM payments.payable")
    (dead,) = await house.rows(
        "SELECT coalesce(sum(count), 0) AS count FROM payments.dead_letter_count"
    )
    return Books(
        {row["digest"]: row for row in mails},
        payments,
        {row["order_id"]: row["paid"] for row in paid},
        int(dead["count"]),
    )


def complaints(
    books: Books, sent: Mapping[bytes, Sent], accepted: set[bytes], codes: Mapping[str, int]
) -> Iterator[str]:
    """Say in words whatever is not as it must be."""
    for code in codes.keys() - PERMANENT:
        yield f"{codes[code]} mails were answered with {code}"
    yield from _mails(books, sent, accepted)
    yield from _payments(books, sent)
    if books.dead_letters:
        yield f"{books.dead_letters} notifications are dead letters"


def _mails(books: Books, sent: Mapping[bytes, Sent], accepted: set[bytes]) -> Iterator[str]:
    """Every mail that was accepted is there once, with an outcome."""
    for digest in accepted - books.mails.keys():
        yield f"accepted and not stored: {sent[digest]}"
    for digest in books.mails.keys() - accepted:
        yield f"stored and never answered for: {digest.hex()}"
    for digest, row in books.mails.items():
        if row["state"] == MAIL_STATE_RECEIVED:
            yield f"never judged: mail {row['id']}: {sent[digest]}"


def _payments(books: Books, sent: Mapping[bytes, Sent]) -> Iterator[str]:
    """An order is paid by the movement that the bank booked for it, once, and by nothing else."""
    given: defaultdict[UUID, dict[UUID, Decimal]] = defaultdict(dict)
    for row in books.payments:
        if row["order_id"] is None:
            continue
        mail = sent[row["digest"]]
        movement = mail.movement
        told = (row["amount"], row["currency"], row["incoming"], row["order_id"])
        if told != (movement.amount, movement.bank.currency, True, movement.order_id):
            yield f"{row['amount']} {row['currency']} paid {row['order_id']}; booked is {mail}"
        given[row["order_id"]][row["id"]] = row["sum"]
    for order_id, paid in books.paid.items():
        allocated = sum(given[order_id].values(), Decimal(0))
        if paid != allocated:
            yield f"order {order_id}: {paid} paid, {allocated} in the ledger"
        if len(given[order_id]) > 1:
            yield f"order {order_id} is paid by {len(given[order_id])} payments"

"""The judgement of what a new reader hears of the money: it is what the databases say."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from spojka.api.payments.v1 import events_pb2
from spojka.values import ZERO
from tests.faults.books import Books, Row
from tests.faults.readers import Read

Told = Sequence[events_pb2.OrderPaymentChanged]


def topic_complaints(books: Books, topics: Read) -> Iterator[str]:
    """Say in words where the topics of mails and payments differ from the databases."""
    notified = Counter(
        (event.mail_id, event.movement)
        for events in topics.notifications.values()
        for event in events
    )
    if notified != Counter((row["mail_id"], row["movement"]) for row in books.notified):
        yield "the notifications topic does not say what mails told of, each once"
    received: Counter[str] = Counter()
    matched: set[str] = set()
    paid: defaultdict[str, list[events_pb2.OrderPaymentChanged]] = defaultdict(list)
    for events in topics.payments.values():
        for event in events:
            if isinstance(event, events_pb2.PaymentReceived):
                received[event.payment.id] += 1
            elif isinstance(event, events_pb2.PaymentMatched):
                matched.add(event.payment.id)
            elif isinstance(event, events_pb2.OrderPaymentChanged):
                paid[event.order_id].append(event)
    if received != Counter(books.payments.keys()):
        yield "the payments topic does not tell of every payment once"
    # Also what was taken back since was given, and told of.
    given = {line["payment_id"] for line in books.allocations if line["order_id"] is not None}
    if matched != given:
        yield f"the topic tells of {len(matched)} payments that paid, the database of {len(given)}"
    for id_, row in books.payables.items():
        yield from _order(row, paid[id_])


def _order(row: Row, told: Told) -> Iterator[str]:
    """What is told of an order goes forward, and ends with what the database says."""
    for before, after in pairwise(told):
        if after.revision <= before.revision:
            yield f"order {row['number']}: {after.revision} was told after {before.revision}"
    said = (told[-1].revision, Decimal(told[-1].amount_paid.amount)) if told else (0, ZERO)
    if said != (row["payment_revision"], row["paid"]):
        yield (
            f"order {row['number']}: the topic ends with revision and amount {said}, the "
            f"database with {row['payment_revision']}, {row['paid']}"
        )

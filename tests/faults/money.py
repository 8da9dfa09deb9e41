"""The judgement of the money: the banks' ledgers, the mails, our databases and the topics agree."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from spojka.api.mail.v1.mail_service_pb2 import MAIL_STATE_READ
from spojka.api.orders.v1 import order_pb2
from spojka.values import ZERO, format_decimal
from tests.faults.banks import Posted
from tests.faults.books import Books, Row
from tests.faults.desk import Accepted
from tests.faults.money_topics import topic_complaints
from tests.faults.plan import Paying, price
from tests.faults.readers import Read

TASKS_ALLOWED: Final = frozenset({
    "payments.late", "payments.overpaid", "payments.duplicate", "payments.order_overpaid",
    "payments.paid_order_cancelled", "order.money_on_cancelled",
})  # fmt: skip
"""What a person must look at where an order that is paid is amended or cancelled."""


def money_complaints(
    accepted: Mapping[str, Accepted], posted: list[Posted], books: Books, topics: Read
) -> Iterator[str]:
    """Say in words whatever of the money is not as it must be at rest."""
    yield from _mails(posted, books)
    yield from _movements(posted, books)
    yield from _ledger(books)
    yield from _orders(accepted, posted, books)
    yield from topic_complaints(books, topics)


def is_unsteady(wanted: Accepted) -> bool:
    """Whether money may have met the order before or after it was changed: both are right."""
    return wanted.cancelled or wanted.amendments > 0


def excused(accepted: Mapping[str, Accepted], books: Books, task: Row) -> bool:
    """Whether a task is one that the plan brings about."""
    about = {id_ for id_, wanted in accepted.items() if is_unsteady(wanted)}
    symbols = {symbol for id_ in about for symbol in accepted[id_].symbols}
    about |= {row["id"] for row in books.payments.values() if row["variable_symbol"] in symbols}
    return task["kind"] in TASKS_ALLOWED and task["subject"].rpartition("/")[2] in about


def _mails(posted: list[Posted], books: Books) -> Iterator[str]:
    """Every mail that a bank saw taken is there once, read; and no other."""
    known = Counter((row["connection_id"], row["digest"]) for row in books.mails)
    taken = {(mail.connection_id, mail.digest) for mail in posted}
    for _, digest in taken - known.keys():
        yield f"mail {digest.hex()[:8]} was taken and is not there"
    for _, digest in known.keys() - taken:
        yield f"mail {digest.hex()[:8]} is there and no bank wrote it"
    for (_, digest), times in known.items():
        if times > 1:
            yield f"mail {digest.hex()[:8]} is there {times} times"
    for row in books.mails:
        if row["state"] != MAIL_STATE_READ:
            yield f"mail {row['id']} is in state {row['state']}"


def _movements(posted: list[Posted], books: Books) -> Iterator[str]:
    """Each movement that was told of is exactly one payment, and there is no other."""
    wanted = {
        (
            mail.connection_id,
            movement.transfer.vs,
            movement.amount,
            movement.currency,
            format_decimal(movement.balance_after),
        )
        for mail in posted
        for movement in mail.movements
    }
    known = Counter(
        (
            row["connection_id"],
            row["variable_symbol"],
            row["amount"],
            row["currency"],
            row["balance"],
        )
        for row in books.payments.values()
        if row["incoming"]
    )
    for _, symbol, amount, *_ in wanted - known.keys():
        yield f"{amount} for {symbol} was told of and is no payment"
    for (_, symbol, amount, *_), times in known.items():
        if times > 1:
            yield f"{amount} for {symbol} is {times} payments"
    for _, symbol, amount, *_ in known.keys() - wanted:
        yield f"a payment of {amount} for {symbol} that no bank booked"
    told = Counter((row["mail_id"], row["movement"]) for row in books.sources)
    if told != Counter((row["mail_id"], row["movement"]) for row in books.notified):
        yield "the payments' sources are not the movements that mails told of"


def _ledger(books: Books) -> Iterator[str]:
    """Payment = allocated + credited + unallocated; order paid = the sum of its lines."""
    given = [line for line in books.allocations if line["order_id"] is not None]
    credit = [line for line in books.allocations if line["order_id"] is None]
    allocated, credited = _sums(given, "payment_id"), _sums(credit, "payment_id")
    by_order = _sums(given, "order_id")
    for id_, row in books.payments.items():
        if (row["allocated"], row["credited"]) != (allocated[id_], credited[id_]):
            yield f"payment {id_}: {row['allocated']} allocated, its lines say {allocated[id_]}"
        if not ZERO <= allocated[id_] + credited[id_] <= row["amount"]:
            yield f"payment {id_}: {allocated[id_]} given of {row['amount']}"
    for id_, row in books.payables.items():
        order = books.orders.get(id_)
        booked = ZERO if order is None else Decimal(order.amount_paid or 0)
        if not row["paid"] == by_order[id_] == booked:
            yield (
                f"order {row['number']}: {row['paid']} paid, its lines say {by_order[id_]}, the "
                f"order book {booked}"
            )
    unknown = (allocated.keys() | credited.keys()) - books.payments.keys()
    unknown |= by_order.keys() - books.payables.keys()
    if unknown:
        yield f"ledger lines of what nobody knows: {unknown}"


def _sums(lines: Iterable[Row], name: str) -> Mapping[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line[name]] += line["amount"]
    return sums


def _orders(accepted: Mapping[str, Accepted], posted: list[Posted], books: Books) -> Iterator[str]:
    """An order has what its customer sent and no more; where nothing was changed, it is paid."""
    sent: defaultdict[str, Decimal] = defaultdict(Decimal)
    told = {
        (mail.connection_id, movement.number): movement
        for mail in posted
        for movement in mail.movements
    }
    for movement in told.values():
        sent[movement.transfer.vs] += movement.amount
    payers: defaultdict[str, set[str]] = defaultdict(set)
    for line in books.allocations:
        payment = books.payments.get(line["payment_id"])
        payers[line["order_id"]].add(payment["variable_symbol"] if payment else "nothing")
    for id_, wanted in accepted.items():
        payable, order = books.payables.get(id_), books.orders.get(id_)
        if payable is None or order is None:
            yield f"{wanted.number} is not known where payments are"
            continue
        if payers[id_] - wanted.symbols:
            yield f"{wanted.number} is paid by what was sent for {payers[id_]}"
        due = ZERO
        if wanted.paying is not Paying.NOT:
            due = sum((sent[symbol] for symbol in wanted.symbols), ZERO)
        if payable["paid"] > due:
            yield f"{wanted.number}: {payable['paid']} paid, {due} was sent for it"
        if not is_unsteady(wanted) and wanted.paying is not Paying.NOT:
            yield from _settled(wanted, payable, order)


def _settled(wanted: Accepted, payable: Row, order: order_pb2.Order) -> Iterator[str]:
    total = price(wanted.lines)
    if (payable["paid"], payable["total"]) != (total, total):
        yield f"{wanted.number}: {payable['paid']} of {total} is paid, {wanted.paying}"
    for state in (payable["payment_state"], order.payment_state):
        if state != order_pb2.PAYMENT_STATE_PAID:
            yield f"{wanted.number} is {order_pb2.PaymentState.Name(state)}, {wanted.paying}"

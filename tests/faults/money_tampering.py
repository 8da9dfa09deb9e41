"""Evidence about money made wrong on purpose, one thing at a time."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from spojka.api.mail.v1.mail_service_pb2 import MAIL_STATE_RECEIVED
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2
from tests.faults.books import Row
from tests.faults.desk import Accepted
from tests.faults.judgement import Evidence
from tests.faults.money import is_unsteady
from tests.faults.plan import Paying

CENT: Final = Decimal("0.01")


def _settled(evidence: Evidence) -> tuple[Accepted, Row]:
    """An order that was paid and never changed, and what the payments know of it."""
    return next(
        (wanted, evidence.books.payables[id_])
        for id_, wanted in evidence.accepted.items()
        if not is_unsteady(wanted) and wanted.paying is not Paying.NOT
    )


def _line(evidence: Evidence) -> Row:
    """A ledger line of that order."""
    wanted, _ = _settled(evidence)
    return next(line for line in evidence.books.allocations if line["order_id"] == wanted.id)


def _told(evidence: Evidence, kind: type) -> Iterator[tuple[list[Any], Any]]:
    for events in evidence.topics.payments.values():
        for event in events:
            if isinstance(event, kind):
                yield events, event


def _lose_a_mail(evidence: Evidence) -> Evidence:
    evidence.books.mails.pop()
    return evidence


def _store_a_mail_twice(evidence: Evidence) -> Evidence:
    evidence.books.mails.append(evidence.books.mails[0])
    return evidence


def _leave_a_mail_unjudged(evidence: Evidence) -> Evidence:
    evidence.books.mails[0]["state"] = MAIL_STATE_RECEIVED
    return evidence


def _invent_a_mail(evidence: Evidence) -> Evidence:
    evidence.posted.pop(0)
    return evidence


def _lose_a_payment(evidence: Evidence) -> Evidence:
    evidence.books.payments.popitem()
    return evidence


def _take_a_payment_twice(evidence: Evidence) -> Evidence:
    id_, row = next(iter(evidence.books.payments.items()))
    evidence.books.payments[f"{id_} again"] = row | {"id": f"{id_} again"}
    return evidence


def _misread_a_payment_by_a_cent(evidence: Evidence) -> Evidence:
    next(iter(evidence.books.payments.values()))["amount"] += CENT
    return evidence


def _lose_what_a_mail_told(evidence: Evidence) -> Evidence:
    evidence.books.sources.pop()
    return evidence


def _give_a_cent_more_than_came(evidence: Evidence) -> Evidence:
    line = _line(evidence)
    line["amount"] += CENT
    evidence.books.payments[line["payment_id"]]["allocated"] += CENT
    evidence.books.payables[line["order_id"]]["paid"] += CENT
    return evidence


def _lose_a_ledger_line(evidence: Evidence) -> Evidence:
    evidence.books.allocations.remove(_line(evidence))
    return evidence


def _pay_an_order_twice(evidence: Evidence) -> Evidence:
    _, payable = _settled(evidence)
    payable["paid"] *= 2
    return evidence


def _pay_another_order(evidence: Evidence) -> Evidence:
    line = _line(evidence)
    line["order_id"] = next(id_ for id_ in evidence.accepted if id_ != line["order_id"])
    return evidence


def _count_a_cent_less_in_the_order_book(evidence: Evidence) -> Evidence:
    order = evidence.books.orders[_settled(evidence)[0].id]
    order.amount_paid = str(Decimal(order.amount_paid) - CENT)
    return evidence


def _forget_that_an_order_is_paid(evidence: Evidence) -> Evidence:
    order = evidence.books.orders[_settled(evidence)[0].id]
    order.payment_state = order_pb2.PAYMENT_STATE_PARTIAL
    return evidence


def _leave_an_order_unpaid(evidence: Evidence) -> Evidence:
    """Consistently: the money waits, and nobody was told of more."""
    wanted, payable = _settled(evidence)
    lines = [each for each in evidence.books.allocations if each["order_id"] == wanted.id]
    for line in lines:
        evidence.books.payments[line["payment_id"]]["allocated"] -= line["amount"]
        evidence.books.allocations.remove(line)
    payments = {line["payment_id"] for line in lines}
    for events in evidence.topics.payments.values():
        events[:] = [
            each
            for each in events
            if getattr(each, "order_id", "") != wanted.id
            and not (isinstance(each, events_pb2.PaymentMatched) and each.payment.id in payments)
        ]
    payable |= {"paid": Decimal(0), "payment_revision": 0}
    evidence.books.orders[wanted.id].amount_paid = ""
    return evidence


def _tell_of_a_movement_twice(evidence: Evidence) -> Evidence:
    events = next(iter(evidence.topics.notifications.values()))
    events.append(events[0])
    return evidence


def _lose_a_notification(evidence: Evidence) -> Evidence:
    next(iter(evidence.topics.notifications.values())).pop()
    return evidence


def _receive_a_payment_twice(evidence: Evidence) -> Evidence:
    events, event = next(_told(evidence, events_pb2.PaymentReceived))
    events.append(event)
    return evidence


def _lose_a_match(evidence: Evidence) -> Evidence:
    events, event = next(_told(evidence, events_pb2.PaymentMatched))
    events.remove(event)
    return evidence


def _lose_the_last_word_on_what_is_paid(evidence: Evidence) -> Evidence:
    events, event = next(_told(evidence, events_pb2.OrderPaymentChanged))
    del events[events.index(event) :]
    return evidence


def _swap_two_words_on_what_is_paid(evidence: Evidence) -> Evidence:
    events = next(_words_on_what_is_paid(evidence))
    events[0], events[1] = events[1], events[0]
    return evidence


def can_be_swapped(evidence: Evidence) -> bool:
    """Whether an order's payment changed twice: parts that come together are one change."""
    return any(_words_on_what_is_paid(evidence))


def _words_on_what_is_paid(evidence: Evidence) -> Iterator[list[Any]]:
    told = _told(evidence, events_pb2.OrderPaymentChanged)
    return (events for events, _ in told if len(events) > 1)


def _open_a_task_about_a_steady_order(evidence: Evidence) -> Evidence:
    wanted, _ = _settled(evidence)
    task = {"kind": "payments.order_overpaid", "subject": f"order/{wanted.id}", "summary": ""}
    evidence.books.tasks.append(task)
    return evidence


MONEY_TAMPERS: Final[tuple[Callable[[Evidence], Evidence], ...]] = (
    _lose_a_mail,
    _store_a_mail_twice,
    _leave_a_mail_unjudged,
    _invent_a_mail,
    _lose_a_payment,
    _take_a_payment_twice,
    _misread_a_payment_by_a_cent,
    _lose_what_a_mail_told,
    _give_a_cent_more_than_came,
    _lose_a_ledger_line,
    _pay_an_order_twice,
    _pay_another_order,
    _count_a_cent_less_in_the_order_book,
    _forget_that_an_order_is_paid,
    _leave_an_order_unpaid,
    _tell_of_a_movement_twice,
    _lose_a_notification,
    _receive_a_payment_twice,
    _lose_a_match,
    _lose_the_last_word_on_what_is_paid,
    _swap_two_words_on_what_is_paid,
    _open_a_task_about_a_steady_order,
)

"""The judgement of a flood sees each thing that may be wrong; else it would prove nothing."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from uuid import uuid4

import pytest

from spojka.api.mail.v1.mail_service_pb2 import MAIL_STATE_READ, MAIL_STATE_RECEIVED
from tests.mail_ingest.hostile.judgement import Books, Sent, complaints
from tests.mail_ingest.hostile.ledger import FIO, Ledger

CENT = Decimal("0.01")


@dataclass
class Case:
    """Two mails of two movements: one paid its order, one was quarantined."""

    books: Books
    sent: dict[bytes, Sent]
    accepted: set[bytes]
    codes: dict[str, int]

    def complaints(self) -> list[str]:
        return list(complaints(self.books, self.sent, self.accepted, self.codes))


@pytest.fixture
def case() -> Case:
    ledger = Ledger(Random(1))
    paid, refused = ledger.book(FIO), ledger.book(FIO)
    payment = {
        "id": uuid4(),
        "amount": paid.amount,
        "currency": "CZK",
        "incoming": True,
        "digest": b"1",
        "order_id": paid.order_id,
        "sum": paid.amount,
    }
    books = Books(
        mails={digest: {"id": uuid4(), "state": MAIL_STATE_READ} for digest in (b"1", b"2")},
        payments=[payment],
        paid={paid.order_id: paid.amount, refused.order_id: Decimal(0)},
        dead_letters=0,
    )
    sent = {b"1": Sent(paid, "cut", "by the bank"), b"2": Sent(refused, "cut", "by a stranger")}
    return Case(books, sent, {b"1", b"2"}, {"250": 2, "552": 1})


def test_where_nothing_is_wrong_it_says_nothing(case: Case) -> None:
    assert case.complaints() == []


def _pay_another_order(case: Case) -> None:
    other = case.sent[b"2"].movement.order_id
    case.books.payments[0]["order_id"] = other
    case.books.paid = {other: case.books.payments[0]["sum"]}


def _pay_again(case: Case) -> None:
    again = case.books.payments[0] | {"id": uuid4()}
    case.books.payments.append(again)
    case.books.paid[again["order_id"]] *= 2


def _pay_by_the_refused_mail(case: Case) -> None:
    case.books.payments[0]["digest"] = b"2"


def _pay_a_cent_more(case: Case) -> None:
    payment = case.books.payments[0]
    payment["amount"] += CENT
    payment["sum"] += CENT
    case.books.paid[payment["order_id"]] += CENT


def _pay_in_euros(case: Case) -> None:
    case.books.payments[0]["currency"] = "EUR"


def _pay_by_what_went_out(case: Case) -> None:
    case.books.payments[0]["incoming"] = False


def _count_what_no_line_says(case: Case) -> None:
    case.books.paid[case.sent[b"2"].movement.order_id] += CENT


def _lose_a_mail(case: Case) -> None:
    del case.books.mails[b"2"]


def _store_what_was_refused(case: Case) -> None:
    case.accepted.remove(b"2")


def _leave_a_mail_unjudged(case: Case) -> None:
    case.books.mails[b"2"]["state"] = MAIL_STATE_RECEIVED


def _ask_to_try_again(case: Case) -> None:
    case.codes["451"] = 1


def _leave_a_dead_letter(case: Case) -> None:
    case.books.dead_letters = 1


@pytest.mark.parametrize(
    "harm",
    [
        _pay_another_order,
        _pay_again,
        _pay_by_the_refused_mail,
        _pay_a_cent_more,
        _pay_in_euros,
        _pay_by_what_went_out,
        _count_what_no_line_says,
        _lose_a_mail,
        _store_what_was_refused,
        _leave_a_mail_unjudged,
        _ask_to_try_again,
        _leave_a_dead_letter,
    ],
)
def test_each_harm_is_seen(case: Case, harm: Callable[[Case], None]) -> None:
    harmed = deepcopy(case)
    harm(harmed)
    assert harmed.complaints()

"""Evidence made wrong on purpose, one thing at a time: the judgement must see each."""

from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Final

from tests.faults.judgement import Evidence
from tests.faults.money_tampering import MONEY_TAMPERS

Tamper = Callable[[Evidence], Evidence]


def _lose_an_order(evidence: Evidence) -> Evidence:
    evidence.books.orders.popitem()
    return evidence


def _place_an_order_twice(evidence: Evidence) -> Evidence:
    id_, order = next(iter(evidence.books.orders.items()))
    evidence.books.orders[f"{id_} again"] = order
    return evidence


def _lose_a_document(evidence: Evidence) -> Evidence:
    evidence.ledger.documents.pop()
    return evidence


def _make_a_document_twice(evidence: Evidence) -> Evidence:
    evidence.ledger.documents.append(evidence.ledger.documents[0])
    return evidence


def _make_and_delete_a_document_of_nobody(evidence: Evidence) -> Evidence:
    return replace(
        evidence, ledger=replace(evidence.ledger, orders_created=evidence.ledger.orders_created + 1)
    )


def _change_a_quantity(evidence: Evidence) -> Evidence:
    quantities = evidence.ledger.documents[0].quantities
    quantities[min(quantities)] += 1
    return evidence


def _sell_a_unit_more(evidence: Evidence) -> Evidence:
    next(iter(evidence.books.items.values()))["available"] += 1
    return evidence


def _let_the_warehouse_have_a_unit_less(evidence: Evidence) -> Evidence:
    evidence.ledger.free[min(evidence.ledger.free)] -= 1
    return evidence


def _hold_twice(evidence: Evidence) -> Evidence:
    evidence.books.holds[0]["created"] += evidence.books.holds[0]["created"] + 1
    return evidence


def _forget_to_absorb(evidence: Evidence) -> Evidence:
    hold = next(hold for hold in evidence.books.holds if hold["absorbed"])
    hold["absorbed"] -= 1
    return evidence


def _lose_the_last_word_on_an_item(evidence: Evidence) -> Evidence:
    next(events for events in evidence.topics.stock.values() if len(events) > 1).pop()
    return evidence


def _swap_two_words_on_an_item(evidence: Evidence) -> Evidence:
    events = next(events for events in evidence.topics.stock.values() if len(events) > 2)
    events[0], events[1] = events[1], events[0]
    return evidence


def _swap_two_words_on_an_order(evidence: Evidence) -> Evidence:
    events = next(events for events in evidence.topics.orders.values() if len(events) > 1)
    events[0], events[1] = events[1], events[0]
    return evidence


def _lose_the_last_report_of_an_import(evidence: Evidence) -> Evidence:
    next(events for events in evidence.topics.imports.values() if len(events) > 1).pop()
    return evidence


def _publish_an_event_twice(evidence: Evidence) -> Evidence:
    evidence.topics.doubled.append("an event")
    return evidence


def _do_a_thing_twice(evidence: Evidence) -> Evidence:
    rows = next(iter(evidence.books.history.values()))
    rows.append(rows[0] | {"revision": len(rows) + 1})
    return evidence


def _leave_a_dead_letter(evidence: Evidence) -> Evidence:
    return replace(evidence, topics=replace(evidence.topics, dead_letters=1))


def _answer_a_call_with_an_internal_error(evidence: Evidence) -> Evidence:
    return replace(evidence, failures=Counter({"INTERNAL": 1}))


TAMPERS: Final[Mapping[str, Tamper]] = {
    tamper.__name__.strip("_").replace("_", " "): tamper
    for tamper in (
        _lose_an_order,
        _place_an_order_twice,
        _lose_a_document,
        _make_a_document_twice,
        _make_and_delete_a_document_of_nobody,
        _change_a_quantity,
        _sell_a_unit_more,
        _let_the_warehouse_have_a_unit_less,
        _hold_twice,
        _forget_to_absorb,
        _lose_the_last_word_on_an_item,
        _swap_two_words_on_an_item,
        _swap_two_words_on_an_order,
        _lose_the_last_report_of_an_import,
        _publish_an_event_twice,
        _do_a_thing_twice,
        _leave_a_dead_letter,
        _answer_a_call_with_an_internal_error,
        *MONEY_TAMPERS,
    )
}


def copy_of(evidence: Evidence) -> Evidence:
    """Give a copy that may be made wrong."""
    return deepcopy(evidence)

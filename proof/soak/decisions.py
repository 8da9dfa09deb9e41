"""The model of people's decisions: what was accepted, and how each payment must stand by that."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from spojka.api.payments.v1 import payment_pb2
from tests.faults.judgement import Evidence

SPOJKA: Final = "spojka"


@dataclass(slots=True)
class Decided:
    """A payment that people decide about: by its symbol and amount, which no other has both of.

    `kinds` are the decisions that were answered; the rest is how it stands by them.
    """

    symbol: str
    amount: Decimal
    kinds: list[str] = field(default_factory=list)
    status: "payment_pb2.PaymentStatus.ValueType" = payment_pb2.PAYMENT_STATUS_UNMATCHED
    allocated: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)


def decision_complaints(decided: list[Decided], evidence: Evidence) -> Iterator[str]:
    """Say in words where a payment does not stand as it was decided, and what was decided twice."""
    rows = evidence.books.payments
    by_key = {(row["variable_symbol"], row["amount"]): id_ for id_, row in rows.items()}
    made: dict[str, Counter[str]] = {}
    for decision in evidence.books.decisions:
        if decision["actor"] != SPOJKA:
            made.setdefault(decision["payment_id"], Counter())[decision["kind"]] += 1
    expected: set[str] = set()
    for each in decided:
        id_ = by_key.get((each.symbol, each.amount))
        if id_ is None:
            continue  # the judgement of the movements says so
        expected.add(id_)
        said = f"the payment of {each.amount} for {each.symbol}"
        if made.get(id_, Counter()) != Counter(each.kinds):
            yield f"{said}: decided was {each.kinds}, known is {dict(made.get(id_, {}))}"
        row = rows[id_]
        found = (row["status"], row["allocated"], row["credited"])
        if found != (each.status, each.allocated, each.credited):
            yield (
                f"{said}: status, allocated and credited are {found}, decided was "
                f"{(each.status, each.allocated, each.credited)}"
            )
    for id_, kinds in made.items():
        if id_ not in expected and rows[id_]["variable_symbol"]:
            yield f"payment {id_}: nobody was told that {dict(kinds)} was decided"

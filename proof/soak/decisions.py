"""The model of people's decisions: what was accepted, and how all must stand by that."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from spojka.api.payments.v1 import payment_pb2
from tests.faults.judgement import Evidence

SPOJKA: Final = "spojka"
STATUS_SET: Final = "Its status was set to "


@dataclass(slots=True)
class Decided:
    """A payment that people decide about: by its symbol and amount, which no other has both of.

    `kinds` are the decisions that were answered; the rest is how it stands by them.
    `shares` are what orders have of it, by their ids.
    """

    symbol: str
    amount: Decimal
    kinds: list[str] = field(default_factory=list)
    status: "payment_pb2.PaymentStatus.ValueType" = payment_pb2.PAYMENT_STATUS_UNMATCHED
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    credited: Decimal = Decimal(0)

    @property
    def allocated(self) -> Decimal:
        """What orders have of it in all."""
        return sum(self.shares.values(), Decimal(0))


def decision_complaints(decided: list[Decided], evidence: Evidence) -> Iterator[str]:
    """Say in words where a payment does not stand as it was decided, and what was decided twice."""
    rows = evidence.books.payments
    by_key = {(row["variable_symbol"], row["amount"]): id_ for id_, row in rows.items()}
    made: dict[str, Counter[str]] = {}
    for decision in evidence.books.decisions:
        if decision["actor"] != SPOJKA:
            made.setdefault(decision["payment_id"], Counter())[decision["kind"]] += 1
    given = _given(evidence)
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
        if given[id_] != each.shares:
            yield f"{said}: orders have {given[id_]} of it, decided was {dict(each.shares)}"
    for id_, kinds in made.items():
        if id_ not in expected and rows[id_]["variable_symbol"]:
            yield f"payment {id_}: nobody was told that {dict(kinds)} was decided"


def status_complaints(statuses: Mapping[str, list[str]], evidence: Evidence) -> Iterator[str]:
    """Say in words where an order is not called what people called it last, or called so twice.

    `statuses` are those that were accepted, in turn, by order. No rule of the
    shops of the soak sets one, so that every other order has none.
    """
    for id_, order in evidence.books.orders.items():
        called = statuses.get(id_, [])
        wanted = called[-1] if called else ""
        if order.status != wanted:
            yield f"{order.number}: its status is {order.status!r}, set was {wanted!r}"
        rows = evidence.books.history.get(id_, [])
        known = [row["summary"] for row in rows if row["summary"].startswith(STATUS_SET)]
        told = [f"{STATUS_SET}{status!r}." for status in called]
        if known != told:
            yield f"{order.number}: set was {told}, in its history stands {known}"


def _given(evidence: Evidence) -> defaultdict[str, dict[str, Decimal]]:
    """What orders have of each payment by its lines, what is nothing left out."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in evidence.books.allocations:
        if line["order_id"] is not None:
            sums[line["payment_id"], line["order_id"]] += line["amount"]
    given: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for (payment_id, order_id), amount in sums.items():
        if amount:
            given[payment_id][order_id] = amount
    return given

"""What a decision remembers, so that it can be undone exactly."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from payments.decisions.effect import Effect, change_by_order
from payments.decisions.standing import Disposition, Orders, OrderStanding, Standing
from payments.matching.values import PaymentStatus


@dataclass(frozen=True, slots=True)
class Mark:
    """An order as a decision left it."""

    total: Decimal
    paid: Decimal
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """How a payment stood before a decision, and what the decision did beside its lines.

    `live` names the ledger lines that gave money, each by the first line of its
    chain of reversals. `released` are the other payments that a confirmation let
    go; what each of them remembers names the confirmation as its `cause`.
    `explanation` is a Payment message with the verdict and the flags alone.
    """

    disposition: Disposition
    live: frozenset[UUID]
    explanation: bytes = b""
    orders: Mapping[UUID, Mark] = field(default_factory=dict)
    ruled_out: frozenset[UUID] = frozenset()
    allowed: frozenset[UUID] = frozenset()
    released: frozenset[UUID] = frozenset()
    cause: UUID | None = None


def remember(payment: Standing, effect: Effect, orders: Orders, explanation: bytes = b"") -> Memory:
    """What undoing `effect` will need; `payment` and `orders` are as before it."""
    change = change_by_order(effect.lines)
    return Memory(
        disposition=payment.disposition,
        live=frozenset(payment.roots),
        explanation=explanation,
        orders={key: mark(orders[key], amount) for key, amount in change.items() if key},
        ruled_out=effect.rules_out - payment.ruled_out,
        allowed=effect.allows,
    )


def mark(order: OrderStanding, change: Decimal) -> Mark:
    """An order once it has `change` more."""
    return Mark(order.total, order.paid + change, order.cancelled)


def encode(memory: Memory) -> bytes:
    """The memory as it is stored with its decision."""
    return json.dumps(
        {
            "disposition": _disposition(memory.disposition),
            "live": _ids(memory.live),
            "explanation": b64encode(memory.explanation).decode(),
            "orders": {
                str(order_id): [str(each.total), str(each.paid), each.cancelled]
                for order_id, each in memory.orders.items()
            },
            "ruled_out": _ids(memory.ruled_out),
            "allowed": _ids(memory.allowed),
            "released": _ids(memory.released),
            "cause": str(memory.cause) if memory.cause else None,
        },
        separators=(",", ":"),
    ).encode()


def decode(stored: bytes) -> Memory:
    """The memory of a stored decision."""
    facts = json.loads(stored)
    return Memory(
        disposition=_disposition_of(facts["disposition"]),
        live=frozenset(map(UUID, facts["live"])),
        explanation=b64decode(facts["explanation"]),
        orders={
            UUID(order_id): Mark(Decimal(total), Decimal(paid), cancelled)
            for order_id, (total, paid, cancelled) in facts["orders"].items()
        },
        ruled_out=frozenset(map(UUID, facts["ruled_out"])),
        allowed=frozenset(map(UUID, facts["allowed"])),
        released=frozenset(map(UUID, facts["released"])),
        cause=UUID(facts["cause"]) if facts["cause"] else None,
    )


def _ids(ids: Iterable[UUID]) -> list[str]:
    return sorted(map(str, ids))


def _disposition(each: Disposition) -> list[Any]:
    return [int(each.status), each.hold, each.needs_person, each.decided_by]


def _disposition_of(facts: list[Any]) -> Disposition:
    status, hold, needs_person, decided_by = facts
    return Disposition(PaymentStatus(status), hold, needs_person, decided_by)

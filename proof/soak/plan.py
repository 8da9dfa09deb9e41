"""What one phase of the soak does: all of it drawn from the seed before anything begins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final
from zlib import crc32

from proof.soak.strikes import Strike, draw_strikes
from tests.faults.plan import (
    FIRST_SYMBOL,
    PIECES_MAX,
    SYMBOLS,
    Fate,
    Paying,
    PlannedOrder,
    plan_orders,
)

LOAD_SECONDS: Final = 40.0
ORDERS: Final = 36
"""Of one phase."""
MOVEMENTS: Final = 12
FULL_READINGS: Final = 2
BANKS: Final = 3
LATE_SHARE: Final = 0.25
LATE_SECONDS_MAX: Final = 15.0
UNDECIDED_SHARE: Final = 0.4
STATUS_SHARE: Final = 0.25
"""Of the orders: a person sets their status by hand, at times twice."""
STATUS_PAUSE_SECONDS_MAX: Final = 10.0
STATUSES: Final = ("to be packed", "waits for the customer", "gift wrapped")
GATE_SHARE: Final = 0.3
"""Of the phases: in these the warehouse books out its remnants, and a person lets it through."""


class Matter(StrEnum):
    """What people have to decide about the money of an order."""

    NOTHING = "nothing"
    WRONG_SYMBOL = "the customer wrote another symbol: matched by hand"
    TOO_MUCH = "the customer sent too much: the rest is credit"
    CREDIT_UNDONE = "the rest is made credit, undone, and made credit again"
    TAKEN_BACK = "taken back from its order and given to it again"
    TAKING_BACK_UNDONE = "taken back from its order, which is undone"
    NEVER_UNDONE = "ruled out for its order, which is undone"
    LEFT_TAKEN_BACK = "taken back from its order, and left so"
    LEFT_RULED_OUT = "ruled out for its order, and left so"
    SPLIT = "one transfer pays two orders: split by hand"
    FIRST_OF_SENDER = "the first of a new account: confirmed"
    FOR_NOBODY = "beside its own a transfer for nobody comes: discarded"


FOR_OTHER_SYMBOL: Final = frozenset({Matter.WRONG_SYMBOL, Matter.FOR_NOBODY, Matter.SPLIT})
"""What people decide about money that came under a symbol that is no order's."""
LEFT: Final = frozenset({Matter.LEFT_TAKEN_BACK, Matter.LEFT_RULED_OUT})
"""After these the order is not paid."""
_DECIDED: Final = tuple(matter for matter in Matter if matter is not Matter.NOTHING)
_STEADY: Final = (Fate.KEPT, Fate.DELIVERED, Fate.DELIVERED_IN_PART)


@dataclass(frozen=True, slots=True)
class Deal:
    """One order, how its money comes, and what people decide about it.

    `bank` is which of the banks is told of it. A mail is brought `late_seconds`
    after it is written; `reversed_mails` says that the second of two overtakes the first.
    `statuses` are what people call the order, each so many seconds after the one
    before; `second` is the other order that a transfer of SPLIT pays.
    """

    order: PlannedOrder
    at_seconds: float
    matter: Matter
    bank: int
    door: int
    late_seconds: float
    reversed_mails: bool
    statuses: tuple[tuple[float, str], ...] = ()
    second: PlannedOrder | None = None

    @property
    def other_symbol(self) -> str:
        """A symbol that is no order's."""
        return str(FIRST_SYMBOL + crc32(f"not {self.order.number}".encode()) % SYMBOLS)


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a seed; times are seconds from the beginning of its load."""

    seed: int
    number: int
    deals: tuple[Deal, ...]
    movements: tuple[float, ...]
    full_readings: tuple[float, ...]
    opens_gate: bool
    strikes: tuple[Strike, ...]

    @property
    def name(self) -> str:
        """What its orders' numbers begin with."""
        return f"p{self.number}"


def plan_phase(seed: int, number: int, products: Sequence[str]) -> Phase:
    """Plan the phase `number` of `seed`: always the same."""
    random = Random(f"{seed} {number}")
    planned = plan_orders(f"p{number}", products, ORDERS, LOAD_SECONDS, seed)
    shift = random.randrange(len(_DECIDED))
    times = sorted(random.uniform(0, LOAD_SECONDS) for _ in planned)
    deals = [
        _deal(random, order, at_seconds, _DECIDED[(place + shift) % len(_DECIDED)], products)
        for place, (order, at_seconds) in enumerate(zip(planned, times, strict=True))
    ]
    return Phase(
        seed=seed,
        number=number,
        deals=tuple(_one_new_account(deals)),
        movements=_times(random, MOVEMENTS),
        full_readings=_times(random, FULL_READINGS),
        opens_gate=random.random() < GATE_SHARE,
        strikes=draw_strikes(random, LOAD_SECONDS),
    )


def _deal(
    random: Random,
    order: PlannedOrder,
    at_seconds: float,
    matter: Matter,
    products: Sequence[str],
) -> Deal:
    late = random.uniform(1, LATE_SECONDS_MAX) if random.random() < LATE_SHARE else 0.0
    decided = order.fate in _STEADY and order.paying is not Paying.NOT
    if not decided or random.random() < UNDECIDED_SHARE:
        matter = Matter.NOTHING
    else:
        order = replace(order, paying=Paying.ONCE)
    return Deal(
        order=order,
        at_seconds=at_seconds,
        matter=matter,
        bank=random.randrange(BANKS),
        door=random.randrange(2),
        late_seconds=late,
        reversed_mails=random.random() < 0.5,
        statuses=_statuses(random),
        second=_second(random, order, products) if matter is Matter.SPLIT else None,
    )


def _statuses(random: Random) -> tuple[tuple[float, str], ...]:
    if random.random() >= STATUS_SHARE:
        return ()
    chosen = random.sample(STATUSES, random.randint(1, 2))
    return tuple((random.uniform(0, STATUS_PAUSE_SECONDS_MAX), status) for status in chosen)


def _second(random: Random, order: PlannedOrder, products: Sequence[str]) -> PlannedOrder:
    """One more order of the same customer, which stays as it is."""
    basket = {random.choice(list(products)): random.randint(1, PIECES_MAX)}
    number = f"{order.number}-2"
    return replace(order, number=number, basket=basket, later=basket, fate=Fate.KEPT)


def _one_new_account(deals: Sequence[Deal]) -> list[Deal]:
    """Leave one order of a phase to a new account, so that they don't pile up."""
    found, left = False, []
    for deal in deals:
        if deal.matter is Matter.FIRST_OF_SENDER and found:
            left.append(replace(deal, matter=Matter.NOTHING))
        else:
            found = found or deal.matter is Matter.FIRST_OF_SENDER
            left.append(deal)
    return left


def _times(random: Random, count: int) -> tuple[float, ...]:
    return tuple(sorted(random.uniform(0, LOAD_SECONDS) for _ in range(count)))

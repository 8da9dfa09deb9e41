"""Ten thousand payments in one go, as after an outage of the bank's mail.

Measured: notifications handled as the consumer hands them on, five hundred in
a transaction: remembered as handled, recognised as new, admitted, matched,
booked, and told of in the outbox; then those that were left open are looked at
again. Ninety-four of a hundred name their order and pay it exactly; two pay
too much, two too little, and two name nobody's order. Kafka has no part in it.
No ceiling: the figures are absolute.
"""

import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Final

from bench.handing_on import received
from bench.order_book import FIRST_SYMBOL, OrderBook, open_order_book
from bench.result import Result, absolute, rate
from bench.sample_order import TOTAL
from bench.stage import Stage
from payments.matching.values import PaymentStatus
from payments.notifications import NotificationEvents
from payments.recheck import Rechecking
from payments.service import CONSUMER_GROUP
from spojka.delivery import inbox
from spojka.delivery.handler import ReceivedEvent
from spojka.delivery.health import Health
from spojka.delivery.poll_thread import FETCH_MAX_MESSAGES

PAYMENTS: Final = 10_000
QUICK_PAYMENTS: Final = 2_000
OPEN_ORDERS: Final = 50_000
STRANGE: Final = 5_000_000_000
"""Added to a symbol, it names nobody's order, nor nearly."""
_KINDS: Final = {
    0: (0, TOTAL + 1, PaymentStatus.OVERPAID),
    1: (0, TOTAL - 1, PaymentStatus.PARTIAL),
    2: (STRANGE, TOTAL, PaymentStatus.UNMATCHED),
}
_KINDS_EACH: Final = 50
_EXACT: Final = (0, TOTAL, PaymentStatus.MATCHED)


async def in_one_go(stage: Stage) -> list[Result]:
    """Payments a second, and how long all took."""
    count = QUICK_PAYMENTS if stage.quick else PAYMENTS
    book = await open_order_book(stage, OPEN_ORDERS)
    wanted = [_KINDS.get(number % _KINDS_EACH, _EXACT) for number in range(count)]
    events = [
        received(book.tenant, book.notice(FIRST_SYMBOL + number + away, amount))
        for number, (away, amount, _) in enumerate(wanted)
    ]
    start = time.perf_counter()
    waiting = iter(events)
    while part := list(islice(waiting, FETCH_MAX_MESSAGES)):
        await _handle(book, part)
    await Rechecking(book.database, Health(), lambda: None).drain()
    seconds = time.perf_counter() - start
    await _check(book, [status for _, _, status in wanted])
    what = f"{count:,} payments in one go"
    return [rate(what, "payments/s", count / seconds), absolute(f"{what}, all", seconds, "s")]


async def _handle(book: OrderBook, events: Sequence[ReceivedEvent]) -> None:
    async with book.database.transaction(book.tenant) as connection:
        new = await inbox.remember(connection, CONSUMER_GROUP, events)
        await NotificationEvents().handle(connection, book.tenant, new)


async def _check(book: OrderBook, wanted: Sequence[PaymentStatus]) -> None:
    async with book.database.transaction(book.tenant) as connection:
        cursor = await connection.execute(
            "SELECT status FROM payment WHERE tenant_id = %s", [book.tenant]
        )
        found = Counter(PaymentStatus(status) for (status,) in await cursor.fetchall())
    assert found == Counter(wanted), found

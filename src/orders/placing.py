"""Orders as channels send them, judged and placed: each exactly once, whatever is repeated."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from orders.domain.checks import violations
from orders.domain.content import Wish
from orders.domain.difference import differences, in_words
from orders.domain.order import Order
from orders.domain.transitions import place
from orders.messages.content import wish_of
from orders.messages.events import placed_event
from orders.messages.order import message_of
from orders.storage.channels import no_channel
from orders.storage.placing import KnownOrder, NewOrder, OrderKey, insert_orders, known_orders
from orders.storage.rules import ChannelRule, RuleMemory
from spojka.api.orders.v1 import order_pb2
from spojka.database import Database
from spojka.errors import AlreadyExists, Conflict, InvalidArgument, RequestError, Violation
from spojka.outbox import new_id
from spojka.values import format_decimal

ATTEMPTS_MAX: Final = 4
"""How often an order is decided anew because its channel's rule changed meanwhile."""
ORDER_MAX_BYTES: Final = 512 * 1024
"""Largest order that is taken: its events must fit into a Kafka message of 1 MiB."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An order as a channel sent it."""

    wish: Wish
    fingerprint: bytes

    @property
    def key(self) -> OrderKey:
        """What names the order once and for all."""
        return self.wish.content.channel_id, self.wish.content.channel_order_id


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that is in the book, by this call or by an earlier one."""

    message: order_pb2.Order
    created: bool


Outcome = Taken | RequestError
"""What became of an order that was sent: taken, or why not."""


def read_wish(message: order_pb2.Order) -> Wish:
    """Read an order that keeps the rules of its fields. Raises InvalidArgument with every fault."""
    if message.ByteSize() > ORDER_MAX_BYTES:
        too_large = f"the order is larger than {ORDER_MAX_BYTES // 1024} KiB; send it as several"
        raise InvalidArgument([Violation("lines", too_large)])
    wish = wish_of(message)
    found = violations(wish, datetime.now(UTC))
    if found:
        raise InvalidArgument(found)
    return wish


def read_sent(message: order_pb2.Order) -> Sent:
    """Read an order to be placed. Raises InvalidArgument as `read_wish` does."""
    # Of the message as it came: a repetition is the same bytes, and what the
    # defaults were does not matter.
    fingerprint = hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
    return Sent(read_wish(message), fingerprint)


async def place_all(
    database: Database, tenant: UUID, actor: str, orders: Sequence[Sent], memory: RuleMemory
) -> list[Outcome]:
    """Place each order as if it came alone, in their order; the outcomes in the same order."""
    # Of several with one key, the first is placed and the others are compared with it.
    first: dict[OrderKey, Sent] = {}
    for sent in orders:
        first.setdefault(sent.key, sent)
    book = await _book_of(database, tenant, actor, first, memory)
    return [_outcome(sent, book[sent.key], first=first[sent.key] is sent) for sent in orders]


async def _book_of(
    database: Database,
    tenant: UUID,
    actor: str,
    orders: dict[OrderKey, Sent],
    memory: RuleMemory,
) -> dict[OrderKey, NewOrder | KnownOrder | RequestError]:
    """What is in the book under each key afterwards."""
    book: dict[OrderKey, NewOrder | KnownOrder | RequestError] = {}
    for _ in range(ATTEMPTS_MAX):
        waiting = {key: sent for key, sent in orders.items() if key not in book}
        if not waiting:
            return book
        rules = await memory.of(database, tenant, {channel for channel, _ in waiting})
        book |= {key: no_channel(key[0]) for key in waiting if key[0] not in rules}
        now = datetime.now(UTC)
        decided = {
            key: _decide(tenant, sent, rules[key[0]], now)
            for key, sent in waiting.items()
            if key not in book
        }
        placed = await insert_orders(database, tenant, actor, list(decided.values()), now)
        book |= {key: new for key, new in decided.items() if new.order.id in placed}
        left = [key for key in decided if key not in book]
        if left:
            async with database.transaction(tenant) as connection:
                book |= await known_orders(connection, tenant, left)
            # Neither placed nor known: the rule changed since it was remembered.
            memory.forget(tenant, {key[0] for key in left if key not in book})
    refusal = Conflict("the channel's status rule keeps changing; place the order again")
    return {key: book.get(key, refusal) for key in orders}


def _decide(tenant: UUID, sent: Sent, rule: ChannelRule, now: datetime) -> NewOrder:
    order = place(new_id(), sent.wish, rule.rule, now)
    message = message_of(order)
    return NewOrder(
        order=order,
        message=message,
        event=placed_event(tenant, message),
        channel_version=rule.version,
        fingerprint=sent.fingerprint,
        summary=_summary(order),
    )


def _summary(order: Order) -> str:
    count = len(order.content.lines)
    lines = "1 line" if count == 1 else f"{count} lines"
    total = f"{format_decimal(order.content.total)} {order.content.currency}"
    return f"Placed by channel {order.content.channel_id}: {lines}, {total}."


def _outcome(sent: Sent, found: NewOrder | KnownOrder | RequestError, *, first: bool) -> Outcome:
    if isinstance(found, RequestError):
        return found
    created = first and isinstance(found, NewOrder)
    if created or found.fingerprint == sent.fingerprint:
        return Taken(found.message, created)
    paths = differences(wish_of(found.message), sent.wish)
    if not paths:
        return Taken(found.message, created=False)
    channel, channel_order_id = sent.key
    return AlreadyExists(
        f"order {channel_order_id!r} of channel {channel!r} is there with other content; it "
        f"differs in {in_words(paths)}. Use AmendOrder to change it",
        reason="ORDER_DIFFERS",
        metadata={"order_id": found.message.id, "fields": in_words(paths)},
    )

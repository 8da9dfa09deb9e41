"""What a merchant's own calls show of it, by the kind of thing: what an attacker may have got."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from spojka.api.common.v1 import rules_pb2
from tests.security.wire import METHODS, bearing, call, request_of

READS: Final = ("List", "Get", "Trace", "Watch", "ResolveOffered", "Suggest", "Test", "Try")
ROUNDS: Final = 2
"""What the first round of reads shows, the next ones ask for in detail."""
SAMPLES_MAX: Final = 4
"""Of each kind; the newest are met first."""
UNIQUE_CHARACTERS: Final = 20
"""A text as long as this, without a space, was made by a machine or is an address."""
TOKENS: Final = frozenset({"page_token", "next_page_token", "resume_token"})


@dataclass(slots=True)
class Harvest:
    """Ids by the kind of thing they name, whole messages by type, and tokens by method."""

    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    tokens: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unique: set[str] = field(default_factory=set)
    """Texts that only this merchant's data has: ids, addresses, and whatever bears its mark."""

    def of(self, kind: str) -> list[str]:
        """The ids of a kind; none where it is not known."""
        return self.ids.get(kind, [])

    def take(self, method: MethodDescriptor, message: Message) -> None:
        """Keep what an answer shows."""
        for owner, descriptor, value in strings_of(message):
            if len(value) >= UNIQUE_CHARACTERS and " " not in value:
                self.unique.add(value)
            if descriptor.name in TOKENS:
                self._keep(self.tokens[method.full_name], value)
            elif (kind := kind_of(descriptor, owner)) is not None:
                self._keep(self.ids[kind], value)
        for inner in messages_of(message):
            found = self.messages[inner.DESCRIPTOR.full_name]
            if len(found) < SAMPLES_MAX and inner not in found:
                found.append(inner)

    @staticmethod
    def _keep(known: list[str], value: str) -> None:
        if value and value not in known and len(known) < SAMPLES_MAX:
            known.append(value)


OF_THE_WORLD: Final = frozenset({"company_id", "tax_id", "vat_id", "message_id", "postal_code"})
"""Ids that somebody else gave."""
NAMED_OTHERWISE: Final = {
    "id": "{owner}",
    "ids": "listing",
    "listing_ids": "listing",
    "order_ids": "order",
    "mail_ids": "mail",
    "twin_ids": "payment",
    "connection_id": "connection",
    "bank_connection_id": "bank_connection",
    "warehouses": "warehouse",
    "code": "warehouse",
    "warehouse": "warehouse",
    "reference": "number",
    "product_number_prefix": "product_number",
    "token": "impulse",
    "request_id": "request",
}
"""The kinds of those fields whose name does not say it."""
KEYS: Final = frozenset({"product_number", "ean", "number", "variable_symbol", "system", "gateway"})
"""Keys that people choose: other merchants may have the same."""


def kind_of(descriptor: FieldDescriptor, owner: str) -> str | None:
    """What a field names, such as "order"; None where it names nothing.

    `owner` is the kind of thing that its message is of, such as "order" for
    the message Order.
    """
    name = descriptor.name
    if descriptor.type != FieldDescriptor.TYPE_STRING or name in TOKENS | OF_THE_WORLD:
        return None
    if name in NAMED_OTHERWISE:
        return NAMED_OTHERWISE[name].format(owner=owner)
    if name in KEYS:
        return name
    if name.endswith("_id"):
        return name.removesuffix("_id")
    rules = descriptor.GetOptions().Extensions[rules_pb2.rules]
    if rules.format == rules_pb2.FORMAT_UUID or name.endswith(("_ids", "_token", "_code")):
        raise AssertionError(
            f"{descriptor.full_name} looks like an id, and the attack does not know of what: "
            "say it in NAMED_OTHERWISE"
        )
    return None


def snake(name: str) -> str:
    """BankConnection → bank_connection."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def messages_of(message: Message) -> Iterator[Message]:
    """Every message in a message, itself left out."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None or descriptor.message_type.GetOptions().map_entry:
            continue
        for each in value if descriptor.is_repeated else [value]:
            yield each
            yield from messages_of(each)


def strings_of(message: Message) -> Iterator[tuple[str, FieldDescriptor, str]]:
    """Every text in a message, with the kind of its message and its field."""
    owner = snake(message.DESCRIPTOR.name)
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            if descriptor.message_type.GetOptions().map_entry:
                continue
            for each in value if descriptor.is_repeated else [value]:
                yield from strings_of(each)
        elif descriptor.type == FieldDescriptor.TYPE_STRING:
            for each in value if descriptor.is_repeated else [value]:
                yield owner, descriptor, each


async def harvested(channel: grpc.aio.Channel, key: str) -> Harvest:
    """Everything that a merchant's own key shows by reading."""
    harvest = Harvest()
    reads = [method for method in METHODS if method.name.startswith(READS)]
    for _ in range(ROUNDS):
        for method in reads:
            for request in _requests(method, harvest):
                outcome = await call(channel, method, request, bearing(key))
                for answer in outcome.answers:
                    harvest.take(method, answer)
    return harvest


def _requests(method: MethodDescriptor, harvest: Harvest) -> Iterator[Message]:
    request: Any = request_of(method)
    fields = {each.name: each for each in method.input_type.fields}
    if "page_token" in fields:
        request.page_size = 1
        yield request
        request = request_of(method)
    subject = subject_of(method)
    wanted = {
        name: harvest.of(kind)
        for name, each in fields.items()
        if (kind := kind_of(each, subject)) is not None and name not in TOKENS
    }
    for name, each in fields.items():
        if each.message_type is not None and (
            some := harvest.messages.get(each.message_type.full_name)
        ):
            getattr(request, name).CopyFrom(some[0])
    yield request
    for number in range(max(map(len, wanted.values()), default=0)):
        for name, values in wanted.items():
            if not values:
                continue
            value = values[number % len(values)]
            if fields[name].is_repeated:
                getattr(request, name)[:] = [value]
            else:
                setattr(request, name, value)
        yield request


def subject_of(method: MethodDescriptor) -> str:
    """What the plain `id` of a request names: by the answer's message, else the service."""
    for each in method.output_type.fields:
        if each.message_type is not None and not each.message_type.name.startswith("Timestamp"):
            if each.message_type.name == "OrderHistoryEntry":
                return "order"
            return snake(each.message_type.name)
    return {"WarehouseService": "connection", "MailService": "mail"}.get(
        method.containing_service.name, "nothing"
    )

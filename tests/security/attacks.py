"""Requests in which a merchant names what is another's, made from the contracts alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from spojka.api.common.v1 import rules_pb2
from tests.gateway.echo import fill
from tests.security.harvest import TOKENS, Harvest, kind_of, snake, subject_of
from tests.security.wire import request_of

OF_KIND_MAX: Final = 2
UUID_LENGTH: Final = 36
NEUTRAL: Final = "somebody"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A place in a request that names something: its way from the top, and the kind of thing."""

    path: tuple[FieldDescriptor, ...]
    kind: str

    @property
    def field(self) -> FieldDescriptor:
        """The field itself."""
        return self.path[-1]

    @property
    def is_uuid(self) -> bool:
        """Whether the contract wants an id that Spojka gave."""
        rules = self.field.GetOptions().Extensions[rules_pb2.rules]
        return bool(rules.format == rules_pb2.FORMAT_UUID)

    def put(self, request: Any, value: str) -> None:
        """Name this."""
        for step in self.path[:-1]:
            request = getattr(request, step.name)
            if step.is_repeated:
                request = request[0] if request else request.add()
        if self.field.is_repeated:
            getattr(request, self.field.name)[:] = [value]
        else:
            setattr(request, self.field.name, value)


def leaves(method: MethodDescriptor) -> list[Leaf]:
    """Every place of a request that names something."""
    return list(_leaves(method.input_type.fields, (), subject_of(method)))


def _leaves(fields: Any, before: tuple[FieldDescriptor, ...], owner: str) -> Iterator[Leaf]:
    for each in fields:
        if each.message_type is not None:
            inner = each.message_type
            if not inner.GetOptions().map_entry and inner.file.package.startswith("spojka."):
                yield from _leaves(inner.fields, (*before, each), snake(inner.name))
        elif each.name not in TOKENS and (kind := kind_of(each, owner)) is not None:
            yield Leaf((*before, each), kind)


def own_request(method: MethodDescriptor, own: Harvest, marks: tuple[str, ...]) -> Any:
    """A request as complete as can be that names only what is the caller's own."""
    request: Any = fill(request_of(method))
    for each in method.input_type.fields:
        _copy_message(request, each, own, marks)
    for leaf in leaves(method):
        if len(leaf.path) == 1 and (some := own.of(leaf.kind)):
            leaf.put(request, some[0])
    return request


def foreign_requests(
    method: MethodDescriptor, own: Harvest, foreign: Harvest, marks: tuple[str, ...]
) -> Iterator[Message]:
    """Requests of a method that name another's things: each place by itself, and all together."""
    places = leaves(method)
    together = own_request(method, own, marks)
    for each in method.input_type.fields:
        _copy_message(together, each, foreign, marks)
    for leaf in places:
        for value in foreign.of(leaf.kind)[:OF_KIND_MAX]:
            for request in (own_request(method, own, marks), fill(request_of(method))):
                leaf.put(request, value)
                yield request
        for value in _of_others(leaf, foreign):
            request = own_request(method, own, marks)
            leaf.put(request, value)
            yield request
        if some := foreign.of(leaf.kind):
            leaf.put(together, some[0])
    yield together


def token_requests(
    method: MethodDescriptor, own: Harvest, foreign: Harvest, marks: tuple[str, ...]
) -> Iterator[Message]:
    """Requests that go on where another's reading stood."""
    for each in method.input_type.fields:
        if each.name in TOKENS:
            for value in foreign.tokens.get(method.full_name, []):
                request = own_request(method, own, marks)
                setattr(request, each.name, value)
                yield request


def _of_others(leaf: Leaf, foreign: Harvest) -> Iterator[str]:
    """One id of each other kind, where any id fits."""
    for kind, values in foreign.ids.items():
        if leaf.is_uuid and kind != leaf.kind:
            yield from [each for each in values if len(each) == UUID_LENGTH][:1]


def _copy_message(
    request: Any, descriptor: FieldDescriptor, harvest: Harvest, marks: tuple[str, ...]
) -> None:
    inner = descriptor.message_type
    if inner is None or not (some := harvest.messages.get(inner.full_name)):
        return
    copy: Any = type(some[0])()
    copy.CopyFrom(some[0])
    neutralise(copy, marks)
    for name in getattr(copy, "credentials_set", ()):
        # What was never shown has to be said anew.
        copy.credentials[name] = NEUTRAL
    target = getattr(request, descriptor.name)
    if descriptor.is_repeated:
        del target[:]
        target.append(copy)
    else:
        target.CopyFrom(copy)


def neutralise(message: Any, marks: tuple[str, ...]) -> None:
    """Take the marks out of a copied message: what a caller says itself is no leak."""
    for each, value in message.ListFields():
        if each.message_type is not None:
            if not each.message_type.GetOptions().map_entry:
                for inner in value if each.is_repeated else [value]:
                    neutralise(inner, marks)
        elif each.type == FieldDescriptor.TYPE_STRING:
            texts = [_without(text, marks) for text in (value if each.is_repeated else [value])]
            if each.is_repeated:
                getattr(message, each.name)[:] = texts
            else:
                setattr(message, each.name, texts[0])


def _without(text: str, marks: tuple[str, ...]) -> str:
    for mark in marks:
        text = text.replace(mark, NEUTRAL)
    return text

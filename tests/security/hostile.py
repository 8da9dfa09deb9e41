"""Bytes in place of requests: what no client of the contracts sends."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from tests.gateway.echo import fill
from tests.security.wire import request_of

DEPTH: Final = 10_000
"""Far deeper than the 100 levels that protobuf's parsers take."""
ELEMENTS: Final = 100_000
LONG_CHARACTERS: Final = 1_000_000
TEXTS: Final = (
    "\x00",
    "\x00'; DROP TABLE item; --",
    "'\"\\%_;--",
    "\u202e\u2028\ufeff",
    "𝒳" * 200,
    "../../../etc/passwd",
    "{{7*7}}${7*7}",
    "%s%n%x",
    "NaN",
    "Infinity",
    "-1e999999999",
    "1" + "0" * 900,
    "0x10",
    "١٢٣",
)
"""Texts for any field: control signs, another's syntax, numbers that are none."""
NUMBERS: Final = (-1, 2**31 - 1, 2**32 - 1, 2**63 - 1, -(2**63))
_STRING, _INT32, _INT64 = (
    FieldDescriptor.TYPE_STRING,
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
)


def broken(method: MethodDescriptor, random: Random) -> Iterator[bytes]:
    """Bytes that no message has."""
    valid = fill(request_of(method)).SerializeToString()
    yield random.randbytes(200)
    yield b"\xff" * 50
    yield valid + b"\x0a\xff\xff\xff\xff\x0f"  # a length far beyond the end
    yield valid + b"\x0a\x02\xc3\x28"  # not UTF-8
    yield valid + b"\x0b" * DEPTH  # groups within groups
    yield nested(b"", DEPTH)
    if len(valid) > 1:
        yield valid[:-1]


def nested(core: bytes, depth: int) -> bytes:
    """A message in a message in a message, as their first field; lengths are written short."""
    inner = core
    for _ in range(depth):
        inner = b"\x0a" + _varint(len(inner)) + inner
        if len(inner) > LONG_CHARACTERS:
            break
    return inner


def odd(method: MethodDescriptor) -> Iterator[Message]:
    """Messages that parse, with values that nobody means."""
    for path in _paths(method.input_type.fields):
        for value in _values(path[-1]):
            request = fill(request_of(method))
            if _put(request, path, value):
                yield request
    yield _with_unknown_fields(fill(request_of(method)))


def many(method: MethodDescriptor) -> Iterator[bytes]:
    """Far more elements than any list takes, and a text far longer than any field's."""
    for each in method.input_type.fields:
        tag = _varint(each.number << 3 | 2)
        if each.is_repeated and each.message_type is not None:
            yield (tag + b"\0") * ELEMENTS
        elif each.type == _STRING:
            yield tag + _varint(LONG_CHARACTERS) + b"a" * LONG_CHARACTERS


def _with_unknown_fields(request: Message) -> Any:
    changed = request_of_type(request)
    changed.ParseFromString(
        request.SerializeToString()
        + b"".join(_varint(number << 3 | 2) + b"\x03abc" for number in range(9_000, 9_100))
    )
    return changed


def request_of_type(message: Message) -> Any:
    """An empty message of the same type."""
    return type(message)()


def _paths(fields: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for each in fields:
        path = (*before, each)
        if each.message_type is None or each.message_type.GetOptions().map_entry:
            yield path
        elif len(path) < 3:
            yield from _paths(each.message_type.fields, path)


def _values(descriptor: Any) -> Iterator[object]:
    if descriptor.message_type is not None or descriptor.type == _STRING:
        yield from TEXTS
    elif descriptor.enum_type is not None:
        yield 12_345
    elif descriptor.type != FieldDescriptor.TYPE_BOOL:
        yield from NUMBERS


def _put(request: Any, path: tuple[Any, ...], value: object) -> bool:
    """Set a value; whether the field can hold it at all."""
    for step in path[:-1]:
        request = getattr(request, step.name)
        if step.is_repeated:
            request = request[0] if request else request.add()
    last = path[-1]
    try:
        if last.message_type is not None:
            getattr(request, last.name)[str(value)] = str(value)
        elif last.is_repeated:
            getattr(request, last.name)[:] = [value]
        else:
            setattr(request, last.name, value)
    except (ValueError, TypeError):
        return False
    return True


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])

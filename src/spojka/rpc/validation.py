"""Requests against the rules that the contracts state (`common/v1/rules.proto`).

Rules are compiled once for each message type into closures; a request that
breaks some is answered with every violated field at once.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from spojka.api.common.v1 import rules_pb2
from spojka.errors import InvalidArgument, Violation

DEFAULT_MAX_LENGTH: Final = 1000
DEFAULT_MAX_ITEMS: Final = 1000

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?\Z")
_UNSIGNED: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?\Z")
_POSITIVE: Final = re.compile(r"(?=[0.]*[1-9])[0-9]{1,15}(\.[0-9]{1,6})?\Z")
_URL: Final = re.compile(r"https?://[^\s/?#]+[^\s]*\Z")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Where a value stands: its parent's path and its own name or index. Made into
# text only where a rule is broken.
Path = tuple[Any, str | int] | None
Check = Callable[[Any, Path, list[Violation]], None]
HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_FORMATS: Final[Mapping[int, tuple[Callable[[str], object], str]]] = {
    rules_pb2.FORMAT_UNSPECIFIED: (
        # What is printable has no control characters, and most texts are.
        lambda text: text.isprintable() or not _CONTROL.search(text),
        "must not contain control characters",
    ),
    rules_pb2.FORMAT_UUID: (_UUID.match, "must be a UUID"),
    rules_pb2.FORMAT_SLUG: (
        _SLUG.match,
        "must be lower-case letters, digits and hyphens, at most 63, not beginning with a hyphen",
    ),
    rules_pb2.FORMAT_DECIMAL: (
        _DECIMAL.match,
        "must be a decimal number, at most 15 digits before the point and 6 after",
    ),
    rules_pb2.FORMAT_NON_NEGATIVE_DECIMAL: (
        _UNSIGNED.match,
        "must be a decimal number of zero or more, at most 15 digits before the point and 6 after",
    ),
    rules_pb2.FORMAT_POSITIVE_DECIMAL: (
        _POSITIVE.match,
        "must be a decimal number above zero, at most 15 digits before the point and 6 after",
    ),
    rules_pb2.FORMAT_CURRENCY: (
        re.compile(r"[A-Z]{3}\Z").match,
        "must be an ISO 4217 code such as CZK",
    ),
    rules_pb2.FORMAT_COUNTRY: (
        re.compile(r"[A-Z]{2}\Z").match,
        "must be an ISO 3166-1 code such as CZ",
    ),
    rules_pb2.FORMAT_SYMBOL: (re.compile(r"[0-9]{1,10}\Z").match, "must be 1 to 10 digits"),
    rules_pb2.FORMAT_URL: (_URL.match, "must be an http:// or https:// URL"),
    rules_pb2.FORMAT_DATE: (_is_date, "must be a date as YYYY-MM-DD"),
}


def judges_elements(handler: HandlerT) -> HandlerT:
    """Mark a handler that judges the messages in its request's lists itself, each on its own.

    The request's own fields are checked before it as ever, and how many
    elements a list has; what is inside them is the handler's to check with
    `violations_of`, so that one bad element need not refuse the others.
    """
    handler.judges_elements = True  # type: ignore[attr-defined]
    return handler


def validate(message: Message, *, into_lists: bool = True) -> None:
    """Raise InvalidArgument with every field of `message` that breaks its rules.

    Without `into_lists`, messages in the lists of `message` are not looked into.
    """
    found: list[Violation] = []
    _compiled(message.DESCRIPTOR, into_lists=into_lists)(message, None, found)
    if found:
        raise InvalidArgument(found)


def violations_of(message: Message, path: str = "") -> list[Violation]:
    """Every broken rule; the paths begin with `path`."""
    found: list[Violation] = []
    _compiled(message.DESCRIPTOR, into_lists=True)(message, (None, path) if path else None, found)
    return found


@cache
def _compiled(descriptor: Descriptor, *, into_lists: bool) -> Check:
    judged = [_judged_field(field, into_lists=into_lists) for field in descriptor.fields]
    wanted = [each for each in judged if each[2] is not _unchecked or each[3]]

    def check(message: Any, path: Path, found: list[Violation]) -> None:
        # Most fields are absent: they cost one look, and no call of a check.
        for name, nested, value_check, if_absent in wanted:
            value = getattr(message, name)
            if message.HasField(name) if nested else value:
                value_check(value, (path, name), found)
            elif if_absent:
                _say(found, (path, name), if_absent)

    return check


def _judged_field(field: FieldDescriptor, *, into_lists: bool) -> tuple[str, bool, Check, str]:
    # A field's name, whether it is a message, the check of its value where it
    # is there, and what is wrong where it is not.
    rules = field.GetOptions().Extensions[rules_pb2.rules]
    if _is_map(field):
        return field.name, False, _map_check(rules), ""
    value_check = _value_check(field, rules)
    if field.is_repeated:
        if field.message_type is not None and not into_lists:
            value_check = _unchecked
        empty = "must have at least one element" if rules.required else ""
        return field.name, False, _list_check(rules, value_check), empty
    nested = field.type == FieldDescriptor.TYPE_MESSAGE
    return field.name, nested, value_check, "is required" if rules.required else ""


def _say(found: list[Violation], path: Path, description: str) -> None:
    found.append(Violation(_text(path), description))


def _text(path: Path) -> str:
    if path is None:
        return ""
    parent, part = path
    before = _text(parent)
    if isinstance(part, int):
        return f"{before}[{part}]"
    return f"{before}.{part}" if before else part


def _is_map(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return kind is not None and kind.GetOptions().map_entry


def _map_check(rules: rules_pb2.FieldRules) -> Check:
    most = rules.max_items or DEFAULT_MAX_ITEMS
    longest = rules.max_length or DEFAULT_MAX_LENGTH

    def check(entries: Any, path: Path, found: list[Violation]) -> None:
        if len(entries) > most:
            _say(found, path, f"has {len(entries)} entries, at most {most} are taken")
            return
        for key in entries:
            entry = (None, f"{_text(path)}[{key[:40]}]")
            if len(key) > longest or len(entries[key]) > longest:
                _say(found, entry, f"is longer than {longest} characters")
            elif _CONTROL.search(key) or _CONTROL.search(entries[key]):
                _say(found, entry, "must not contain control characters")

    return check


def _list_check(rules: rules_pb2.FieldRules, value_check: Check) -> Check:
    most = rules.max_items or DEFAULT_MAX_ITEMS

    def check(values: Any, path: Path, found: list[Violation]) -> None:
        if len(values) > most:
            _say(found, path, f"has {len(values)} elements, at most {most} are taken")
        elif value_check is not _unchecked:
            for index, value in enumerate(values):
                value_check(value, (path, index), found)

    return check


def _value_check(field: FieldDescriptor, rules: rules_pb2.FieldRules) -> Check:
    if field.message_type is not None:
        return _nested_check(field.message_type)
    if field.enum_type is not None:
        return _enum_check(frozenset(field.enum_type.values_by_number))
    if field.type == FieldDescriptor.TYPE_STRING:
        return _string_check(rules)
    return _unchecked


def _unchecked(_value: Any, _path: Path, _found: list[Violation]) -> None:
    return


def _nested_check(descriptor: Descriptor) -> Check:
    # Compiled at the first use: messages may contain themselves.
    def check(value: Any, path: Path, found: list[Violation]) -> None:
        _compiled(descriptor, into_lists=True)(value, path, found)

    return check


def _enum_check(known: frozenset[int]) -> Check:
    def check(value: Any, path: Path, found: list[Violation]) -> None:
        if value not in known:
            _say(found, path, f"{value} is not a known value")

    return check


def _string_check(rules: rules_pb2.FieldRules) -> Check:
    longest = rules.max_length or DEFAULT_MAX_LENGTH
    matches, wants = _FORMATS[rules.format]

    def check(value: Any, path: Path, found: list[Violation]) -> None:
        if len(value) > longest:
            _say(found, path, f"has {len(value)} characters, at most {longest} are taken")
        elif not matches(value):
            _say(found, path, wants)

    return check

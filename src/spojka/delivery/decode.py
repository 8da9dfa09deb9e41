"""From a Kafka message to a ReceivedEvent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from confluent_kafka import Message

from spojka.delivery import headers as names
from spojka.delivery.failures import PoisonError
from spojka.delivery.handler import ReceivedEvent
from spojka.telemetry import TRACEPARENT


def headers_of(message: Message) -> dict[str, str]:
    """The headers by name, as text; of a repeated one the last counts."""
    raw = message.headers() or []
    pairs = raw.items() if isinstance(raw, dict) else raw
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
        for name, value in pairs
    }


def decode(message: Message, headers: Mapping[str, str]) -> ReceivedEvent:
    """Read a message with the headers that it has. Raises PoisonError that says what is wrong."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    key = (message.key() or b"").decode("utf-8", "replace")
    type_ = headers.get(names.TYPE, "")
    if not type_:
        raise PoisonError(f"the header {names.TYPE} is missing")
    return ReceivedEvent(
        id=_uuid(headers.get(names.ID, ""), f"the header {names.ID}"),
        type=type_,
        tenant_id=_uuid(key.partition("/")[0], "the key's part before the slash"),
        key=key,
        time=_time(headers.get(names.TIME, ""), message),
        traceparent=headers.get(TRACEPARENT, ""),
        value=message.value(),
        topic=topic,
        partition=partition,
        offset=offset,
    )


def _uuid(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise PoisonError(f"{what} is {text[:100]!r}, which is not a UUID") from error


def _time(text: str, message: Message) -> datetime:
    if not text:  # ce_time is optional in CloudEvents
        return datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise PoisonError(f"the header {names.TIME} is {text[:100]!r}: not a time") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)

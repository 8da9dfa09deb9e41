"""CloudEvents 1.0 in Kafka's binary content mode, and the trace of an event.

Source: CloudEvents Kafka protocol binding, §3.2 (attributes are headers with
the prefix `ce_`, the data is the value, its type is `content-type`).
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from spojka.telemetry import TRACEPARENT

Headers = list[tuple[str, str | bytes | None]]

SPEC_VERSION: Final = "ce_specversion"
ID: Final = "ce_id"
TYPE: Final = "ce_type"
SOURCE: Final = "ce_source"
TIME: Final = "ce_time"
CONTENT_TYPE: Final = "content-type"
PROTOBUF: Final = b"application/protobuf"


def source_of(service: str) -> bytes:
    """The `ce_source` of a service's events."""
    return f"/spojka/{service}".encode()


def event_headers(
    *, source: bytes, event_id: UUID, event_type: str, time: datetime, traceparent: str
) -> Headers:
    """The headers of one event."""
    return [*shared_headers(source, event_type, time, traceparent), (ID, str(event_id))]


def shared_headers(source: bytes, event_type: str, time: datetime, traceparent: str) -> Headers:
    """The headers that events of one type and transaction have in common: all but the id."""
    return [
        (SPEC_VERSION, b"1.0"),
        (TYPE, event_type),
        (SOURCE, source),
        (TIME, time.astimezone(UTC).isoformat().replace("+00:00", "Z")),
        (CONTENT_TYPE, PROTOBUF),
        (TRACEPARENT, traceparent),
    ]

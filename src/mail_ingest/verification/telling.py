"""What mail_ingest tells: each movement of each mail once, as it is remembered."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from google.protobuf.message import DecodeError

from mail_ingest.mails.notifying import told_likeness
from spojka.api.mail.v1 import events_pb2
from spojka.topics import Topic
from spojka.verification.model import State, state_of
from spojka.verification.snapshot import Snapshot

_NOTIFIED: Final = """
    SELECT mail_id, movement, likeness FROM notified WHERE tenant_id = %s
"""


class NotifiedTelling:
    """PaymentNotified: once for each movement."""

    what = "movement"
    topic = Topic.NOTIFICATIONS
    once = True
    exact = True

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take which movement it is, and what it is known by."""
        if type_ != events_pb2.PaymentNotified.DESCRIPTOR.full_name:
            return None
        try:
            message = events_pb2.PaymentNotified.FromString(value or b"")
        except DecodeError as error:
            raise ValueError(f"{type_} can't be parsed: {error}") from error
        tenant = key.partition("/")[0]
        likeness = told_likeness(message.payment)
        return f"{tenant}/{message.mail_id}/{message.movement}", _state(likeness)

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Every movement that was told of."""
        async for mail_id, movement, likeness in snapshot.stream(_NOTIFIED, [tenant]):
            yield f"{tenant}/{mail_id}/{movement}", _state(likeness)


def _state(likeness: str) -> State:
    return state_of(0, likeness.encode())

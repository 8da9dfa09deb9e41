"""What mail_ingest tells: each movement of each mail once, as it is remembered."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
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


FORGETTING: Final = timedelta(days=1)
"""Before its last day a mail may be gone: verifying takes its time, and clocks differ."""


def kept_since(retention_days: int, now: datetime) -> UUID:
    """The least id of a mail that nothing may have forgotten: ids begin with milliseconds."""
    time = now - timedelta(days=retention_days) + FORGETTING
    return UUID(int=int(time.timestamp() * 1000) << 80)


class NotifiedTelling:
    """PaymentNotified: once for each movement of a mail since `kept_since`.

    Older mails are forgotten, and with them what was told of them; a topic may
    keep its events longer than that.
    """

    what = "movement"
    topic = Topic.NOTIFICATIONS
    once = True
    exact = True

    def __init__(self, kept_since: UUID) -> None:
        """Pass over movements of mails whose ids are less."""
        self._kept_since = kept_since

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take which movement it is, and what it is known by."""
        if type_ != events_pb2.PaymentNotified.DESCRIPTOR.full_name:
            return None
        try:
            message = events_pb2.PaymentNotified.FromString(value or b"")
        except DecodeError as error:
            raise ValueError(f"{type_} can't be parsed: {error}") from error
        if not self._is_kept(message.mail_id):
            return None
        tenant = key.partition("/")[0]
        likeness = told_likeness(message.payment)
        return f"{tenant}/{message.mail_id}/{message.movement}", _state(likeness)

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Every movement that was told of."""
        async for mail_id, movement, likeness in snapshot.stream(_NOTIFIED, [tenant]):
            if mail_id >= self._kept_since:
                yield f"{tenant}/{mail_id}/{movement}", _state(likeness)

    def _is_kept(self, mail_id: str) -> bool:
        try:
            return UUID(mail_id) >= self._kept_since
        except ValueError as error:
            raise ValueError(f"a mail's id: {error}") from error


def _state(likeness: str) -> State:
    return state_of(0, likeness.encode())

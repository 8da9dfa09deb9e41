"""What is done from time to time: silence noticed, old mails forgotten, addresses sealed anew."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg
import structlog

from mail_ingest.connections.addresses import reseal_addresses
from mail_ingest.mails.mail_tasks import ADDRESS_CONFIRMATION, mailbox_silent, unreadable_mails
from mail_ingest.mails.silence import LOOK_BACK, silent_since
from spojka.api.mail.v1 import mail_service_pb2 as api
from spojka.cancelling import cancel_all
from spojka.database import Connection, Database
from spojka.delivery.health import Health
from spojka.errors import Unavailable
from spojka.secrets import Seal, SealBroken
from spojka.tasks import close_tasks

EVERY: Final = timedelta(minutes=15)
CONFIRMATION_KEPT: Final = timedelta(days=7)
BATCH_ROWS: Final = 500
PART: Final = "janitor"

# An array is made once. What stands behind IN is a relation, and was asked anew for each mail of
# a merchant whom the statistics did not know yet.
_FORGET: Final = """
    DELETE FROM mail WHERE tenant_id = %(tenant)s AND id = ANY(ARRAY(
        SELECT id FROM mail WHERE tenant_id = %(tenant)s
        AND (id < %(before)s OR state = %(confirmation)s AND id < %(confirmations_before)s)
        LIMIT %(limit)s))
    RETURNING id, state, bank
"""

log = structlog.get_logger()


class Janitor:
    """Goes round the tenants; several at once do no harm."""

    def __init__(
        self,
        database: Database,
        seal: Seal,
        health: Health,
        retention_days: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Remember what to tidy; `start` begins."""
        self._database = database
        self._seal = seal
        self._health = health
        self._kept = timedelta(days=retention_days)
        self._now = now
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin with a first round."""
        self._task = asyncio.create_task(self._forever(), name=PART)

    async def stop(self) -> None:
        """End; a round that is cut off is gone over again."""
        if self._task is not None:
            await cancel_all([self._task])

    async def go_round(self) -> None:
        """Tidy every tenant once. Raises Unavailable."""
        async with self._database.infrastructure() as connection:
            cursor = await connection.execute("SELECT DISTINCT tenant_id FROM address")
            tenants = [row[0] for row in await cursor.fetchall()]
        for tenant_id in tenants:
            await self._notice_silence(tenant_id)
            await self._forget(tenant_id)
            await self._reseal(tenant_id)

    async def _forever(self) -> None:
        while True:
            try:
                await self.go_round()
                self._health.recover(PART)
            except (Unavailable, psycopg.Error) as error:
                self._health.degrade(PART, str(error))
            await asyncio.sleep(EVERY.total_seconds())

    async def _notice_silence(self, tenant_id: UUID) -> None:
        now = self._now()
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT id, name, inactive FROM connection WHERE tenant_id = %s", [tenant_id]
            )
            for connection_id, name, inactive in await cursor.fetchall():
                times = await _mail_times(connection, tenant_id, connection_id)
                since = None if inactive else silent_since(times, now)
                await mailbox_silent(connection, tenant_id, connection_id, name, since)

    async def _forget(self, tenant_id: UUID) -> None:
        now = self._now()
        forgotten = BATCH_ROWS
        while forgotten == BATCH_ROWS:
            async with self._database.transaction(tenant_id) as connection:
                forgotten = await _forget_mails(
                    connection, tenant_id, now - self._kept, now - CONFIRMATION_KEPT
                )

    async def _reseal(self, tenant_id: UUID) -> None:
        try:
            async with self._database.transaction(tenant_id) as connection:
                count = await reseal_addresses(connection, self._seal, tenant_id, BATCH_ROWS)
        except SealBroken as error:
            log.warning("addresses can't be sealed anew", error=str(error))
            return
        if count:
            log.info("addresses sealed with the new key", count=count)


async def _mail_times(
    connection: Connection, tenant_id: UUID, connection_id: UUID
) -> list[datetime]:
    """The times of the mails within LOOK_BACK of the last, the last of each minute, in order.

    One for each minute, so that those of the busiest mailbox are no more than it has minutes.
    """
    cursor = await connection.execute(
        """
        WITH good AS NOT MATERIALIZED (
            SELECT receive_time FROM mail
            WHERE tenant_id = %s AND connection_id = %s AND state <> %s
        )
        SELECT max(receive_time) FROM good
        WHERE receive_time > (SELECT max(receive_time) FROM good) - %s
        GROUP BY date_trunc('minute', receive_time) ORDER BY 1
        """,
        [tenant_id, connection_id, api.MAIL_STATE_QUARANTINED, LOOK_BACK],
    )
    return [row[0] for row in await cursor.fetchall()]


async def _forget_mails(
    connection: Connection, tenant_id: UUID, before: datetime, confirmations_before: datetime
) -> int:
    """Forget mails of before then, and confirmations of before their time; returns how many."""
    cursor = await connection.execute(
        _FORGET,
        {
            "tenant": tenant_id,
            "before": _first_id(before),
            "confirmation": api.MAIL_STATE_CONFIRMATION,
            "confirmations_before": _first_id(confirmations_before),
            "limit": BATCH_ROWS,
        },
    )
    rows = await cursor.fetchall()
    ids = [row[0] for row in rows]
    for table in ("mail_raw", "notified", "mail_queue"):
        await connection.execute(
            f"DELETE FROM {table} WHERE tenant_id = %s AND mail_id = ANY(%s)".encode(),
            [tenant_id, ids],
        )
    await close_tasks(connection, tenant_id, ADDRESS_CONFIRMATION, [str(id_) for id_ in ids])
    for bank in sorted({bank for _, state, bank in rows if state == api.MAIL_STATE_UNREADABLE}):
        await unreadable_mails(connection, tenant_id, bank, more=False)
    return len(ids)


def _first_id(time: datetime) -> UUID:
    """The least id that a mail of that time can have: ids begin with milliseconds (RFC 9562)."""
    return UUID(int=int(time.timestamp() * 1000) << 80)

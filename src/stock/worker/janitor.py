"""What is tidied up from time to time: tombstones, old history, credentials under old keys."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from spojka.api.stock.v1 import events_pb2
from spojka.cancelling import cancel_all
from spojka.database import Connection, Database
from spojka.delivery.health import Health
from spojka.errors import Unavailable
from spojka.outbox import Event, append
from spojka.secrets import Seal, SealBroken
from spojka.settings import Settings
from spojka.topics import Topic
from stock.connections.model import load_connection

EVERY: Final = timedelta(hours=1)
TOMBSTONE_AFTER: Final = timedelta(days=7)
"""How long a removed item is told as removed before its key is taken out of the topic."""
BATCH_ITEMS: Final = 500
PART: Final = "janitor"

log = structlog.get_logger()


class Janitor:
    """Goes round the tenants every hour; several at once do no harm."""

    def __init__(self, database: Database, seal: Seal, settings: Settings, health: Health) -> None:
        """Remember what to tidy; `start` begins."""
        self._database = database
        self._seal = seal
        self._kept = timedelta(days=settings.history_retention_days)
        self._health = health
        self._round: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin with a first round."""
        self._round = asyncio.create_task(self._forever(), name=PART)

    async def stop(self) -> None:
        """End; a round that is cut off is gone over again."""
        if self._round is not None:
            await cancel_all([self._round])

    async def _forever(self) -> None:
        while True:
            try:
                for tenant_id in await self._tenants():
                    await self._tidy(tenant_id)
                self._health.recover(PART)
            except Unavailable as error:
                self._health.degrade(PART, error.message)
            await asyncio.sleep(EVERY.total_seconds())

    async def _tenants(self) -> list[UUID]:
        async with self._database.infrastructure() as connection:
            cursor = await connection.execute("SELECT DISTINCT tenant_id FROM lease")
            return [row[0] for row in await cursor.fetchall()]

    async def _tidy(self, tenant_id: UUID) -> None:
        async with self._database.transaction(tenant_id) as connection:
            await self._bury(connection, tenant_id)
            await self._reseal(connection, tenant_id)
            await connection.execute(
                "DELETE FROM movement WHERE tenant_id = %s AND time < now() - %s",
                [tenant_id, self._kept],
            )
            await connection.execute(
                "DELETE FROM reading WHERE tenant_id = %s AND state <> 'held'"
                " AND end_time < now() - %s",
                [tenant_id, self._kept],
            )

    async def _bury(self, connection: Connection, tenant_id: UUID) -> None:
        cursor = await connection.execute(
            """
            UPDATE item SET content = '' WHERE tenant_id = %s AND id = ANY(ARRAY(
                SELECT item.id FROM item
                WHERE item.tenant_id = %s AND removed AND content <> ''
                  AND NOT EXISTS (SELECT FROM movement WHERE movement.tenant_id = item.tenant_id
                                  AND movement.item_id = item.id AND movement.time > now() - %s)
                ORDER BY item.id LIMIT %s FOR UPDATE))
            RETURNING id
            """,
            [tenant_id, tenant_id, TOMBSTONE_AFTER, BATCH_ITEMS],
        )
        kind = events_pb2.StockChanged.DESCRIPTOR.full_name
        await append(
            connection,
            [
                Event(Topic.STOCK, f"{tenant_id}/{row[0]}", kind, None)
                for row in await cursor.fetchall()
            ],
        )

    async def _reseal(self, connection: Connection, tenant_id: UUID) -> None:
        cursor = await connection.execute(
            "SELECT id FROM connection WHERE tenant_id = %s AND sealing_key <> %s",
            [tenant_id, self._seal.key_id],
        )
        for (connection_id,) in await cursor.fetchall():
            row = await load_connection(connection, tenant_id, connection_id, lock=True)
            try:
                sealed = self._seal.seal(self._seal.open(row.sealed, row.place), row.place)
            except SealBroken as error:
                log.warning("credentials can't be sealed anew", error=str(error))
                continue
            await connection.execute(
                "UPDATE connection SET sealing_key = %s, credentials = %s"
                " WHERE tenant_id = %s AND id = %s",
                [sealed.key_id, sealed.ciphertext, tenant_id, connection_id],
            )
            log.info("credentials sealed with the new key", connection=str(connection_id))

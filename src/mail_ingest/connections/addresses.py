"""The look-up of addresses: made, ended, shown to operators, sealed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from mail_ingest.connections.address import local_hash, new_local_part
from spojka.database import Connection
from spojka.outbox import new_id
from spojka.secrets import Seal, Sealed


@dataclass(frozen=True, slots=True)
class Address:
    """An address as operators see it; `end_time` is set on one that was replaced."""

    id: UUID
    connection_id: UUID
    local_part: str
    end_time: datetime | None


def _place(tenant_id: UUID, address_id: UUID) -> str:
    return f"bank_address/{tenant_id}/{address_id}"


async def add_address(
    connection: Connection, seal: Seal, tenant_id: UUID, connection_id: UUID
) -> UUID:
    """Make a new address of the connection; returns its id."""
    address_id, local_part = new_id(), new_local_part()
    sealed = seal.seal({"local_part": local_part}, _place(tenant_id, address_id))
    await connection.execute(
        "INSERT INTO address (local_hash, id, tenant_id, connection_id, sealing_key, sealed)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [
            local_hash(local_part),
            address_id,
            tenant_id,
            connection_id,
            sealed.key_id,
            sealed.ciphertext,
        ],
    )
    return address_id


async def end_addresses(
    connection: Connection, tenant_id: UUID, connection_id: UUID, grace: timedelta
) -> None:
    """End all addresses of the connection after `grace`; none gets longer than it had."""
    await connection.execute(
        """
        UPDATE address SET end_time = least(end_time, now() + %s)
        WHERE tenant_id = %s AND connection_id = %s AND (end_time IS NULL OR end_time > now())
        """,
        [grace, tenant_id, connection_id],
    )


async def was_replaced(
    connection: Connection, tenant_id: UUID, address_id: UUID, time: datetime
) -> bool:
    """Whether the address's connection had a newer one by then."""
    cursor = await connection.execute(
        """
        SELECT FROM address AS newer
        JOIN address AS own ON own.tenant_id = newer.tenant_id
                           AND own.connection_id = newer.connection_id
        WHERE own.tenant_id = %s AND own.id = %s
          AND newer.create_time > own.create_time AND newer.create_time <= %s
        LIMIT 1
        """,
        [tenant_id, address_id, time],
    )
    return await cursor.fetchone() is not None


async def working_addresses(
    connection: Connection, seal: Seal, tenant_id: UUID, connection_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[Address]]:
    """The addresses that work now, by connection, newest first. Raises SealBroken."""
    cursor = await connection.execute(
        """
        SELECT id, connection_id, sealing_key, sealed, end_time FROM address
        WHERE tenant_id = %s AND connection_id = ANY(%s) AND (end_time IS NULL OR end_time > now())
        ORDER BY create_time DESC
        """,
        [tenant_id, list(connection_ids)],
    )
    found: dict[UUID, list[Address]] = {}
    for row in await cursor.fetchall():
        address = _opened(seal, tenant_id, *row)
        found.setdefault(address.connection_id, []).append(address)
    return found


async def named_addresses(
    connection: Connection, seal: Seal, tenant_id: UUID, address_ids: Sequence[UUID]
) -> Mapping[UUID, str]:
    """The local parts of addresses by their ids, whether they still work or not."""
    cursor = await connection.execute(
        "SELECT id, connection_id, sealing_key, sealed, end_time FROM address"
        " WHERE tenant_id = %s AND id = ANY(%s)",
        [tenant_id, list(address_ids)],
    )
    opened = [_opened(seal, tenant_id, *row) for row in await cursor.fetchall()]
    return {address.id: address.local_part for address in opened}


async def reseal_addresses(connection: Connection, seal: Seal, tenant_id: UUID, limit: int) -> int:
    """Seal up to `limit` addresses with today's key; returns how many. Raises SealBroken."""
    cursor = await connection.execute(
        "SELECT id, connection_id, sealing_key, sealed, end_time FROM address"
        " WHERE tenant_id = %s AND sealing_key <> %s ORDER BY id LIMIT %s FOR UPDATE",
        [tenant_id, seal.key_id, limit],
    )
    rows = await cursor.fetchall()
    for row in rows:
        address = _opened(seal, tenant_id, *row)
        sealed = seal.seal({"local_part": address.local_part}, _place(tenant_id, address.id))
        await connection.execute(
            "UPDATE address SET sealing_key = %s, sealed = %s WHERE tenant_id = %s AND id = %s",
            [sealed.key_id, sealed.ciphertext, tenant_id, address.id],
        )
    return len(rows)


def _opened(
    seal: Seal,
    tenant_id: UUID,
    address_id: UUID,
    connection_id: UUID,
    key_id: str,
    ciphertext: bytes,
    end_time: datetime | None,
) -> Address:
    opened = seal.open(Sealed(key_id, ciphertext), _place(tenant_id, address_id))
    return Address(address_id, connection_id, opened["local_part"], end_time)

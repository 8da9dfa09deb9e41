"""Connections made and changed: credentials sealed, and told to what rests on them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Connection
from spojka.outbound import OutboundPolicy
from spojka.outbox import new_id
from spojka.secrets import Seal
from stock.connections import edit
from stock.connections.impulses import lead_to, new_token
from stock.connections.model import ConnectionRow, load_connection
from stock.levels import relevel
from stock.listings.links import link_adrift
from stock.warehouses.port import WarehouseSystem


async def create(
    connection: Connection,
    tenant_id: UUID,
    system: WarehouseSystem,
    columns: Mapping[str, Any],
    credentials: Mapping[str, str],
    seal: Seal,
) -> ConnectionRow:
    """Store a connection, inactive, with its credentials sealed and an impulse URL of its own.

    `columns` are what `edit.columns` made of the request.
    """
    connection_id = new_id()
    sealed = seal.seal(credentials, f"warehouse_connection/{tenant_id}/{connection_id}")
    token = new_token()
    values = {
        **columns,
        "tenant_id": tenant_id,
        "id": connection_id,
        "system": system.id,
        "state": "inactive",
        "sealing_key": sealed.key_id,
        "credentials": sealed.ciphertext,
        "credential_names": sorted(credentials),
        "impulse_token": token,
    }
    await connection.execute(
        f"INSERT INTO connection ({', '.join(values)})"
        f" VALUES ({', '.join(['%s'] * len(values))})".encode(),
        list(values.values()),
    )
    await lead_to(connection, tenant_id, connection_id, token)
    return await load_connection(connection, tenant_id, connection_id)


async def change(
    connection: Connection,
    row: ConnectionRow,
    message: api.Connection,
    system: WarehouseSystem,
    seal: Seal,
    outbound: OutboundPolicy,
) -> ConnectionRow:
    """Change a locked connection; credentials that are not named stay. Raises InvalidArgument.

    Where its rule changed, it is asked that its items be decided anew.
    """
    credentials = seal.open(row.sealed, row.place) | dict(message.credentials)
    edit.check_settings(system, message.settings, credentials, outbound)
    sealed = seal.seal(credentials, row.place)
    values = edit.columns(message, system) | {
        "sealing_key": sealed.key_id,
        "credentials": sealed.ciphertext,
        "credential_names": sorted(credentials),
        "retry_time": None,
        "failures": 0,
    }
    assignments = ", ".join(f"{name} = %s" for name in values)
    await connection.execute(
        f"UPDATE connection SET {assignments} WHERE tenant_id = %s AND id = %s".encode(),
        [*values.values(), row.tenant_id, row.id],
    )
    await _come_forward(connection, row.tenant_id, row.id)
    after = await load_connection(connection, row.tenant_id, row.id)
    if after.pairing != row.pairing:
        await link_adrift(connection, row.tenant_id)
    if after.rule != row.rule:
        await relevel.ask(connection, row.tenant_id, row.id, "rule changed")
    return after


async def _come_forward(connection: Connection, tenant_id: UUID, connection_id: UUID) -> None:
    # A shorter interval counts from now, not from when the longer one has run out.
    await connection.execute(
        """
        UPDATE connection
        SET next_probe_time = least(next_probe_time, now() + make_interval(secs => probe_seconds)),
            next_reading_time =
                least(next_reading_time, now() + make_interval(secs => reading_seconds))
        WHERE tenant_id = %s AND id = %s
        """,
        [tenant_id, connection_id],
    )

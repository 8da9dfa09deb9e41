"""The warehouses of a connection: which count, and in which order they are chosen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Connection
from spojka.errors import InvalidArgument, Violation
from stock.connections.model import ConnectionRow
from stock.warehouses.port import WarehouseInfo


@dataclass(frozen=True, slots=True)
class Sources:
    """The warehouses that a channel's orders come from, first choice first.

    `others` count as well, but the channel's rule does not name them: they are
    for goods that none of `own` carries.
    """

    own: Sequence[str]
    others: Sequence[str]


async def included_warehouses(
    connection: Connection, tenant_id: UUID, connection_id: UUID
) -> list[str]:
    """The codes of the warehouses that count, first choice first."""
    cursor = await connection.execute(
        "SELECT code FROM warehouse WHERE tenant_id = %s AND connection_id = %s AND included"
        " ORDER BY place, code",
        [tenant_id, connection_id],
    )
    return [row[0] for row in await cursor.fetchall()]


async def channel_warehouses(
    connection: Connection, warehouse: ConnectionRow, channel_ids: Collection[str]
) -> dict[str, Sources]:
    """For each channel the warehouses its orders come from.

    A channel's rule names some; one without a rule, or with an empty one, has
    all that count.
    """
    included = await included_warehouses(connection, warehouse.tenant_id, warehouse.id)
    cursor = await connection.execute(
        "SELECT channel_id, warehouses FROM offer_rule"
        " WHERE tenant_id = %s AND channel_id = ANY(%s) AND warehouses <> '{}'",
        [warehouse.tenant_id, list(channel_ids)],
    )
    chosen: dict[str, list[str]] = dict(await cursor.fetchall())
    named = {channel_id: chosen.get(channel_id, included) for channel_id in channel_ids}
    return {
        channel_id: Sources(
            own=[code for code in included if code in names],
            others=[code for code in included if code not in names],
        )
        for channel_id, names in named.items()
    }


async def remember_warehouses(
    connection: Connection, tenant_id: UUID, connection_id: UUID, found: Sequence[WarehouseInfo]
) -> None:
    """Add the system's warehouses that are new; all count until a person says otherwise."""
    await connection.execute(
        """
        INSERT INTO warehouse (tenant_id, connection_id, code, name, place, included)
        SELECT %s, %s, row.code, row.name, 1000 + row.place, true
        FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS row (code, name, place)
        ON CONFLICT (tenant_id, connection_id, code) DO UPDATE SET name = excluded.name
            WHERE warehouse.name <> excluded.name
        """,
        [
            tenant_id,
            connection_id,
            [warehouse.code for warehouse in found],
            [warehouse.name for warehouse in found],
        ],
    )


async def list_warehouses(
    connection: Connection, tenant_id: UUID, connection_id: UUID
) -> list[api.Warehouse]:
    """The warehouses of a connection in its order."""
    cursor = await connection.execute(
        "SELECT code, name, included FROM warehouse WHERE tenant_id = %s AND connection_id = %s"
        " ORDER BY place, code",
        [tenant_id, connection_id],
    )
    return [
        api.Warehouse(code=code, name=name, included=included)
        for code, name, included in await cursor.fetchall()
    ]


async def set_warehouses(
    connection: Connection,
    tenant_id: UUID,
    connection_id: UUID,
    wanted: Sequence[api.Warehouse],
) -> None:
    """Set order and inclusion. Raises InvalidArgument unless exactly the known ones are named."""
    known = {found.code for found in await list_warehouses(connection, tenant_id, connection_id)}
    codes = [warehouse.code for warehouse in wanted]
    if not known:
        unknown = "are not known yet: list them first, which asks the warehouse system"
        raise InvalidArgument([Violation("warehouses", unknown)])
    if sorted(codes) != sorted(known):
        raise InvalidArgument(
            [Violation("warehouses", f"must name each of {', '.join(sorted(known))} once")]
        )
    await connection.execute(
        """
        UPDATE warehouse SET place = row.place, included = row.included
        FROM unnest(%s::text[], %s::bool[]) WITH ORDINALITY AS row (code, included, place)
        WHERE tenant_id = %s AND connection_id = %s AND warehouse.code = row.code
        """,
        [codes, [warehouse.included for warehouse in wanted], tenant_id, connection_id],
    )

"""`spojka warehouse …`."""

from typing import Annotated

import typer

from spojka.api.stock.v1 import warehouse_service_pb2 as warehouse
from spojka.api.stock.v1.warehouse_service_pb2_grpc import WarehouseServiceStub
from spojka.cli.connection_options import (
    Aggregation,
    AutomaticImport,
    Buffer,
    Changes,
    Credentials,
    FullReadingHours,
    MassChangePercent,
    Meaning,
    Name,
    Pairing,
    ProbeSeconds,
    ReadingSeconds,
    SettingValues,
)
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.errors import CommandError
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="The links to warehouse systems.", no_args_is_help=True, add_completion=False
)

ConnectionId = Annotated[
    str, typer.Argument(help="The connection's id; not needed where the tenant has one only.")
]
ReadingId = Annotated[str, typer.Argument(help="The reading's id.")]


@edge_command(app)
async def systems(edge: Edge, as_json: AsJson = False) -> None:
    """List the warehouse systems there are, with what each asks for."""
    method = WarehouseServiceStub(edge.channel).ListWarehouseSystems
    answer = await edge.call(method, warehouse.ListWarehouseSystemsRequest())
    if as_json:
        print_rows(answer.systems, (), as_json=True)
        return
    for system in answer.systems:
        typer.echo(f"{system.id}  {system.name}")
        for field in system.fields:
            kind = "credential" if field.secret else "setting"
            wanted = "required" if field.required else f"default {field.default_value or 'none'}"
            typer.echo(f"    {field.name} ({kind}, {wanted}): {field.help or field.label}")


@edge_command(app)
async def create(
    edge: Edge,
    *,
    system: Annotated[str, typer.Option(help="Such as pohoda; see 'systems'.")],
    name: Name = None,
    setting: SettingValues = None,
    credential: Credentials = None,
    meaning: Meaning = None,
    aggregation: Aggregation = None,
    buffer: Buffer = None,
    pairing: Pairing = None,
    automatic_import: AutomaticImport = None,
    reading_seconds: ReadingSeconds = None,
    probe_seconds: ProbeSeconds = None,
    full_reading_hours: FullReadingHours = None,
    mass_change_percent: MassChangePercent = None,
) -> None:
    """Create a connection, inactive; 'test' and 'activate' come next."""
    changes = Changes(
        name=name,
        settings=setting or [],
        credentials=credential or [],
        meaning=meaning,
        aggregation=aggregation,
        buffer=buffer,
        pairing=pairing,
        automatic_import=automatic_import,
        reading_interval_seconds=reading_seconds,
        probe_interval_seconds=probe_seconds,
        full_reading_interval_hours=full_reading_hours,
        mass_change_limit_percent=mass_change_percent,
    )
    connection = changes.applied_to(warehouse.Connection(system=system))
    method = WarehouseServiceStub(edge.channel).CreateConnection
    request = warehouse.CreateConnectionRequest(connection=connection)
    print_message((await edge.call(method, request)).connection)


@edge_command(app)
async def update(
    edge: Edge,
    connection: ConnectionId = "",
    *,
    name: Name = None,
    setting: SettingValues = None,
    credential: Credentials = None,
    meaning: Meaning = None,
    aggregation: Aggregation = None,
    buffer: Buffer = None,
    pairing: Pairing = None,
    automatic_import: AutomaticImport = None,
    reading_seconds: ReadingSeconds = None,
    probe_seconds: ProbeSeconds = None,
    full_reading_hours: FullReadingHours = None,
    mass_change_percent: MassChangePercent = None,
) -> None:
    """Change what the options name; all else stays, credentials too."""
    changes = Changes(
        name=name,
        settings=setting or [],
        credentials=credential or [],
        meaning=meaning,
        aggregation=aggregation,
        buffer=buffer,
        pairing=pairing,
        automatic_import=automatic_import,
        reading_interval_seconds=reading_seconds,
        probe_interval_seconds=probe_seconds,
        full_reading_interval_hours=full_reading_hours,
        mass_change_limit_percent=mass_change_percent,
    )
    changed = changes.applied_to(await _connection(edge, connection))
    method = WarehouseServiceStub(edge.channel).UpdateConnection
    request = warehouse.UpdateConnectionRequest(connection=changed)
    print_message((await edge.call(method, request)).connection)


@edge_command(app, "list")
async def list_connections(edge: Edge, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List connections, newest first."""
    method = WarehouseServiceStub(edge.channel).ListConnections
    rows = await edge.rows(method, warehouse.ListConnectionsRequest(), "connections", limit)
    columns = ("id", "system", "name", "state", "last_reading_time", "next_reading_time", "problem")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def show(edge: Edge, connection: ConnectionId = "") -> None:
    """Show one connection."""
    print_message(await _connection(edge, connection))


@edge_command(app, "test")
async def try_connection(edge: Edge, connection: ConnectionId = "") -> None:
    """Call the warehouse system and say what it answered. Exit code 1 where it failed."""
    request = warehouse.TestConnectionRequest(id=await _id(edge, connection))
    answer = await edge.call(WarehouseServiceStub(edge.channel).TestConnection, request)
    if not answer.ok:
        raise CommandError(f"{answer.message} {answer.advice}".strip())
    typer.echo(answer.message)


@edge_command(app)
async def activate(edge: Edge, connection: ConnectionId = "") -> None:
    """Make the connection the tenant's active one."""
    request = warehouse.ActivateConnectionRequest(id=await _id(edge, connection))
    method = WarehouseServiceStub(edge.channel).ActivateConnection
    print_message((await edge.call(method, request)).connection)


@edge_command(app)
async def deactivate(edge: Edge, connection: ConnectionId = "") -> None:
    """Stop readings and imports; levels are frozen, holds are kept."""
    request = warehouse.DeactivateConnectionRequest(id=await _id(edge, connection))
    method = WarehouseServiceStub(edge.channel).DeactivateConnection
    print_message((await edge.call(method, request)).connection)


@edge_command(app)
async def sync(
    edge: Edge,
    connection: ConnectionId = "",
    full: Annotated[bool, typer.Option("--full", help="Everything, not what changed.")] = False,
) -> None:
    """Read the warehouse now."""
    request = warehouse.SyncNowRequest(id=await _id(edge, connection), full=full)
    await edge.call(WarehouseServiceStub(edge.channel).SyncNow, request)
    typer.echo("a reading was asked for; see 'spojka warehouse readings'", err=True)


@edge_command(app)
async def warehouses(
    edge: Edge,
    connection: ConnectionId = "",
    include: Annotated[list[str] | None, typer.Option(help="Count this one; repeatable.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Leave it out; repeatable.")] = None,
    first: Annotated[
        list[str] | None, typer.Option(help="Codes that orders are given to first, in this order.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the warehouses in their order, or change which count and which come first."""
    stub = WarehouseServiceStub(edge.channel)
    connection_id = await _id(edge, connection)
    listed = await edge.call(
        stub.ListWarehouses, warehouse.ListWarehousesRequest(connection_id=connection_id)
    )
    rows = list(listed.warehouses)
    if include or exclude or first:
        rows = _arranged(rows, include or [], exclude or [], first or [])
        request = warehouse.UpdateWarehousesRequest(connection_id=connection_id, warehouses=rows)
        rows = list((await edge.call(stub.UpdateWarehouses, request)).warehouses)
    print_rows(rows, ("code", "name", "included"), as_json=as_json)


@edge_command(app)
async def readings(
    edge: Edge, connection: ConnectionId = "", limit: Limit = 20, as_json: AsJson = False
) -> None:
    """List readings, newest first, with what each changed."""
    request = warehouse.ListReadingsRequest(connection_id=await _id(edge, connection))
    method = WarehouseServiceStub(edge.channel).ListReadings
    rows = await edge.rows(method, request, "readings", limit)
    columns = ("id", "kind", "state", "start_time", "end_time", "cards", "changed", "zeroed")
    print_rows(rows, (*columns, "cause", "problem"), as_json=as_json)


@edge_command(app)
async def approve(edge: Edge, reading: ReadingId) -> None:
    """Apply a reading that was held because it would zero too much."""
    request = warehouse.ApproveReadingRequest(id=reading)
    method = WarehouseServiceStub(edge.channel).ApproveReading
    print_message((await edge.call(method, request)).reading)


@edge_command(app)
async def reject(edge: Edge, reading: ReadingId) -> None:
    """Throw such a reading away."""
    request = warehouse.RejectReadingRequest(id=reading)
    method = WarehouseServiceStub(edge.channel).RejectReading
    print_message((await edge.call(method, request)).reading)


@edge_command(app, "rotate-impulse")
async def rotate_impulse(edge: Edge, connection: ConnectionId = "") -> None:
    """Give the connection a new impulse URL; the old one ends at once."""
    request = warehouse.RotateImpulseUrlRequest(id=await _id(edge, connection))
    method = WarehouseServiceStub(edge.channel).RotateImpulseUrl
    typer.echo((await edge.call(method, request)).connection.impulse_url)


def _arranged(
    rows: list[warehouse.Warehouse], include: list[str], exclude: list[str], first: list[str]
) -> list[warehouse.Warehouse]:
    known = {row.code: row for row in rows}
    for code in (*include, *exclude, *first):
        if code not in known:
            raise CommandError(f"there is no warehouse {code!r}; there are: {', '.join(known)}")
    for code in include:
        known[code].included = True
    for code in exclude:
        known[code].included = False
    places = {code: place for place, code in enumerate(first)}
    return sorted(rows, key=lambda row: places.get(row.code, len(places)))


async def _id(edge: Edge, given: str) -> str:
    return given or (await _only_connection(edge)).id


async def _connection(edge: Edge, given: str) -> warehouse.Connection:
    if not given:
        return await _only_connection(edge)
    method = WarehouseServiceStub(edge.channel).GetConnection
    return (await edge.call(method, warehouse.GetConnectionRequest(id=given))).connection


async def _only_connection(edge: Edge) -> warehouse.Connection:
    method = WarehouseServiceStub(edge.channel).ListConnections
    found = (await edge.call(method, warehouse.ListConnectionsRequest(page_size=20))).connections
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{connection.id} ({connection.name})" for connection in found)
    raise CommandError(f"name one of the connections: {names or 'there is none yet'}")

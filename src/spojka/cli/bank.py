"""`spojka bank …`."""

from typing import Annotated

import typer

from spojka.api.payments.v1 import connection_service_pb2 as connections
from spojka.api.payments.v1.connection_service_pb2_grpc import BankConnectionServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="Bank accounts and the addresses that their banks notify.",
    no_args_is_help=True,
    add_completion=False,
)

ConnectionId = Annotated[str, typer.Argument(help="The connection's id.")]
Name = Annotated[str | None, typer.Option(help="The name people read.")]
AutomaticLimit = Annotated[
    str | None,
    typer.Option(help="Most that a payment may be to pay an order by itself; '' for no limit."),
]
PerHour = Annotated[
    int | None,
    typer.Option(min=0, help="Most payments that pay by themselves in an hour; 0: the setting."),
]
Mailboxes = Annotated[
    list[str] | None,
    typer.Option(
        "--mailbox", help="Own mailbox that passes mails on by hand; repeatable, '' for none."
    ),
]


@edge_command(app)
async def create(
    edge: Edge,
    *,
    account: Annotated[
        str, typer.Option(help="IBAN or domestic number, such as 19-2000145399/0800.")
    ],
    currency: Annotated[str, typer.Option(help="Such as CZK.")],
    name: Name = None,
    automatic_limit: AutomaticLimit = None,
    per_hour: PerHour = None,
    mailbox: Mailboxes = None,
) -> None:
    """Connect an account; the answer has the address for the bank's notifications."""
    connection = connections.BankConnection(account=account, currency=currency)
    _change(connection, name, automatic_limit, per_hour, mailbox)
    request = connections.CreateBankConnectionRequest(connection=connection)
    method = BankConnectionServiceStub(edge.channel).CreateBankConnection
    print_message((await edge.call(method, request)).connection)


@edge_command(app, "list")
async def list_connections(edge: Edge, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the bank connections, newest first."""
    rows = await edge.rows(
        BankConnectionServiceStub(edge.channel).ListBankConnections,
        connections.ListBankConnectionsRequest(),
        "connections",
        limit,
    )
    columns = ("id", "name", "account", "currency", "inactive", "address")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def show(edge: Edge, connection_id: ConnectionId) -> None:
    """Show one connection."""
    print_message(await _find(edge, connection_id))


@edge_command(app)
async def update(
    edge: Edge,
    connection_id: ConnectionId,
    *,
    account: Annotated[str | None, typer.Option(help="IBAN or domestic number.")] = None,
    currency: Annotated[str | None, typer.Option(help="Such as CZK.")] = None,
    name: Name = None,
    automatic_limit: AutomaticLimit = None,
    per_hour: PerHour = None,
    mailbox: Mailboxes = None,
) -> None:
    """Change what the options name; the rest stays."""
    connection = await _find(edge, connection_id)
    if account is not None:
        connection.account = account
    if currency is not None:
        connection.currency = currency
    _change(connection, name, automatic_limit, per_hour, mailbox)
    await _update(edge, connection)


@edge_command(app)
async def deactivate(edge: Edge, connection_id: ConnectionId) -> None:
    """Switch a connection off: its mails are kept, but pay nothing."""
    connection = await _find(edge, connection_id)
    connection.inactive = True
    await _update(edge, connection)


@edge_command(app)
async def activate(edge: Edge, connection_id: ConnectionId) -> None:
    """Switch a connection on again."""
    connection = await _find(edge, connection_id)
    connection.inactive = False
    await _update(edge, connection)


@edge_command(app)
async def rotate(
    edge: Edge,
    connection_id: ConnectionId,
    grace_hours: Annotated[
        int, typer.Option(min=0, help="Hours that the old address still works; 0: revoked now.")
    ] = 720,
) -> None:
    """Give a connection a new address."""
    request = connections.RotateAddressRequest(id=connection_id, grace_hours=grace_hours)
    method = BankConnectionServiceStub(edge.channel).RotateAddress
    print_message((await edge.call(method, request)).connection)


def _change(
    connection: connections.BankConnection,
    name: str | None,
    automatic_limit: str | None,
    per_hour: int | None,
    mailboxes: list[str] | None,
) -> None:
    if name is not None:
        connection.name = name
    if automatic_limit is not None:
        connection.automatic_limit = automatic_limit
    if per_hour is not None:
        connection.automatic_per_hour = per_hour
    if mailboxes:
        connection.forwarding_mailboxes[:] = [mailbox for mailbox in mailboxes if mailbox]


async def _find(edge: Edge, connection_id: str) -> connections.BankConnection:
    method = BankConnectionServiceStub(edge.channel).GetBankConnection
    request = connections.GetBankConnectionRequest(id=connection_id)
    return (await edge.call(method, request)).connection


async def _update(edge: Edge, connection: connections.BankConnection) -> None:
    method = BankConnectionServiceStub(edge.channel).UpdateBankConnection
    request = connections.UpdateBankConnectionRequest(connection=connection)
    print_message((await edge.call(method, request)).connection)

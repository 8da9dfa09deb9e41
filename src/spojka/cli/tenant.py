"""`spojka tenant …`."""

from typing import Annotated

import typer

from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import TenantServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="The merchants of this installation.", no_args_is_help=True, add_completion=False
)


@edge_command(app)
async def create(
    edge: Edge,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    display_name: Annotated[str, typer.Option(help="The name people read.")] = "",
) -> None:
    """Create a tenant; the same again changes nothing."""
    request = accounts.CreateTenantRequest(name=name, display_name=display_name)
    print_message((await edge.call(TenantServiceStub(edge.channel).CreateTenant, request)).tenant)


@edge_command(app, "list")
async def list_tenants(edge: Edge, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List tenants by name."""
    method = TenantServiceStub(edge.channel).ListTenants
    rows = await edge.rows(method, accounts.ListTenantsRequest(), "tenants", limit)
    print_rows(rows, ("id", "name", "display_name", "create_time"), as_json=as_json)

"""`spojka apikey …`."""

import asyncio
from typing import Annotated

import typer

from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub
from spojka.api.common.v1 import rules_pb2
from spojka.bootstrap import BootstrapError, registered_bootstrap
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.enums import number_of
from spojka.cli.errors import said
from spojka.cli.local import local_settings
from spojka.cli.output import AsJson, Limit, print_message, print_rows
from spojka.service import service_database_url
from spojka.settings import SettingsError

app = typer.Typer(
    help="The keys by which programs call.", no_args_is_help=True, add_completion=False
)


@app.command()
def bootstrap(
    description: Annotated[str, typer.Option(help="What the key is for.")] = "first admin key",
    force: Annotated[bool, typer.Option(help="Also where an admin key lives already.")] = False,
) -> None:
    """Make the first admin key, directly in the database, and print it."""
    with said(BootstrapError, SettingsError):
        schema, create_admin_key = registered_bootstrap()
        url = service_database_url(local_settings(), schema)
        typer.echo(asyncio.run(create_admin_key(url, description=description, force=force)))


@edge_command(app)
async def create(
    edge: Edge,
    scope: Annotated[str, typer.Option(help="channel, operator or admin.")] = "operator",
    channel: Annotated[str, typer.Option(help="With scope channel: its id.")] = "",
    description: Annotated[str, typer.Option(help="What the key is for.")] = "",
) -> None:
    """Create a key. The secret is printed once and can't be shown again."""
    request = accounts.CreateApiKeyRequest(
        scope=number_of(rules_pb2.Scope.DESCRIPTOR, scope),  # type: ignore[arg-type]
        channel_id=channel,
        description=description,
    )
    answer = await edge.call(ApiKeyServiceStub(edge.channel).CreateApiKey, request)
    print_message(answer)


@edge_command(app, "list")
async def list_keys(edge: Edge, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the tenant's keys, newest first; without a tenant, those of admins."""
    method = ApiKeyServiceStub(edge.channel).ListApiKeys
    rows = await edge.rows(method, accounts.ListApiKeysRequest(), "api_keys", limit)
    columns = ("id", "scope", "channel_id", "description", "create_time", "revoke_time")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def revoke(edge: Edge, key_id: Annotated[str, typer.Argument(help="The key's id.")]) -> None:
    """Revoke a key at once."""
    request = accounts.RevokeApiKeyRequest(id=key_id)
    print_message((await edge.call(ApiKeyServiceStub(edge.channel).RevokeApiKey, request)).api_key)

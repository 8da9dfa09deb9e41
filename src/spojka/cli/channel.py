"""`spojka channel …`."""

from typing import Annotated

import typer

from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1.channel_service_pb2_grpc import ChannelServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="The e-shops and marketplaces of a tenant.", no_args_is_help=True, add_completion=False
)

ChannelId = Annotated[str, typer.Argument(help="The channel's id, such as eshop-cz.")]
Name = Annotated[str, typer.Option(help="The name people read.")]


@edge_command(app)
async def create(edge: Edge, channel_id: ChannelId, name: Name = "") -> None:
    """Create a channel."""
    request = channels.CreateChannelRequest(channel=channels.Channel(id=channel_id, name=name))
    method = ChannelServiceStub(edge.channel).CreateChannel
    print_message((await edge.call(method, request)).channel)


@edge_command(app, "list")
async def list_channels(edge: Edge, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List channels by id."""
    method = ChannelServiceStub(edge.channel).ListChannels
    rows = await edge.rows(method, channels.ListChannelsRequest(), "channels", limit)
    print_rows(rows, ("id", "name", "create_time"), as_json=as_json)


@edge_command(app)
async def update(edge: Edge, channel_id: ChannelId, name: Name) -> None:
    """Rename a channel; its status rule stays."""
    channel = await _channel(edge, channel_id)
    channel.name = name
    await _update(edge, channel)


@edge_command(app, "status-rule")
async def status_rule(
    edge: Edge,
    channel_id: Annotated[
        str, typer.Argument(help="A channel's id; without it, the tenant's own rule.")
    ] = "",
    placed: Annotated[str | None, typer.Option(help="Status of a new order.")] = None,
    paid: Annotated[str | None, typer.Option(help="Status once it is paid.")] = None,
    paid_unless: Annotated[
        list[str] | None, typer.Option(help="Statuses that payment leaves alone; repeatable.")
    ] = None,
    delivered: Annotated[str | None, typer.Option(help="Status once it is delivered.")] = None,
    cancelled: Annotated[str | None, typer.Option(help="Status once it is cancelled.")] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Begin with an empty rule; a channel's then ends.")
    ] = False,
) -> None:
    """Show the statuses that orders take by themselves, or change them with the options.

    What no option names stays as it is; an empty text changes nothing on orders.
    """
    texts = {"placed": placed, "paid": paid, "delivered": delivered, "cancelled": cancelled}
    given = {name: text for name, text in texts.items() if text is not None}
    changes = bool(given or paid_unless or clear)
    channel = await _channel(edge, channel_id) if channel_id else None
    rule = channels.StatusRule()
    if not clear:
        rule.CopyFrom(channel.status_rule if channel else await _tenant_rule(edge))
    for name, text in given.items():
        setattr(rule, name, text)
    if paid_unless:
        rule.paid_unless[:] = [status for status in paid_unless if status]
    if not changes:
        print_message(rule)
    elif channel is None:
        method = ChannelServiceStub(edge.channel).UpdateStatusRule
        request = channels.UpdateStatusRuleRequest(status_rule=rule)
        print_message((await edge.call(method, request)).status_rule)
    else:
        channel.ClearField("status_rule")
        if rule != channels.StatusRule():
            channel.status_rule.CopyFrom(rule)
        await _update(edge, channel)


async def _channel(edge: Edge, channel_id: str) -> channels.Channel:
    method = ChannelServiceStub(edge.channel).GetChannel
    return (await edge.call(method, channels.GetChannelRequest(id=channel_id))).channel


async def _tenant_rule(edge: Edge) -> channels.StatusRule:
    method = ChannelServiceStub(edge.channel).GetStatusRule
    return (await edge.call(method, channels.GetStatusRuleRequest())).status_rule


async def _update(edge: Edge, channel: channels.Channel) -> None:
    method = ChannelServiceStub(edge.channel).UpdateChannel
    request = channels.UpdateChannelRequest(channel=channel)
    print_message((await edge.call(method, request)).channel)

"""The sales channels over gRPC (`spojka.api.orders.v1.ChannelService`)."""

from orders.messages.rule import rule_message, rule_of
from orders.storage import channels
from spojka.api.orders.v1 import channel_service_pb2 as pb
from spojka.database import Database
from spojka.rpc.pagination import decode_token, encode_token, page_size
from spojka.rpc.server import Call


class ChannelServicer:
    """Answers the calls; a channel is never deleted, so that its orders always have one."""

    def __init__(self, database: Database) -> None:
        """Stand on a database that is open when the first call comes."""
        self._database = database

    async def create_channel(
        self, request: pb.CreateChannelRequest, call: Call
    ) -> pb.CreateChannelResponse:
        """Create a channel."""
        tenant, wanted = call.identity.tenant, request.channel
        rule = rule_of(wanted.status_rule) if wanted.HasField("status_rule") else None
        async with self._database.transaction(tenant) as connection:
            channel = await channels.create_channel(
                connection, tenant, wanted.id, wanted.name, rule
            )
        return pb.CreateChannelResponse(channel=channel)

    async def get_channel(self, request: pb.GetChannelRequest, call: Call) -> pb.GetChannelResponse:
        """Find one channel; a channel's key finds its own."""
        call.identity.require_channel(request.id)
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            channel = await channels.find_channel(connection, tenant, request.id)
        return pb.GetChannelResponse(channel=channel)

    async def list_channels(
        self, request: pb.ListChannelsRequest, call: Call
    ) -> pb.ListChannelsResponse:
        """List channels by id."""
        limit = page_size(request.page_size, default=100, maximum=1000)
        after = decode_token(request.page_token, 1)
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            found = await channels.list_channels(
                connection, tenant, after[0] if after else "", limit + 1
            )
        more = len(found) > limit
        return pb.ListChannelsResponse(
            channels=found[:limit],
            next_page_token=encode_token([found[limit - 1].id]) if more else "",
        )

    async def update_channel(
        self, request: pb.UpdateChannelRequest, call: Call
    ) -> pb.UpdateChannelResponse:
        """Change a channel's name and status rule."""
        tenant, wanted = call.identity.tenant, request.channel
        rule = rule_of(wanted.status_rule) if wanted.HasField("status_rule") else None
        async with self._database.transaction(tenant) as connection:
            channel = await channels.update_channel(
                connection, tenant, wanted.id, wanted.name, rule
            )
        return pb.UpdateChannelResponse(channel=channel)

    async def get_status_rule(
        self, _request: pb.GetStatusRuleRequest, call: Call
    ) -> pb.GetStatusRuleResponse:
        """The tenant's status rule."""
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            rule = await channels.tenant_rule(connection, tenant)
        return pb.GetStatusRuleResponse(status_rule=rule_message(rule))

    async def update_status_rule(
        self, request: pb.UpdateStatusRuleRequest, call: Call
    ) -> pb.UpdateStatusRuleResponse:
        """Set the tenant's status rule."""
        tenant, rule = call.identity.tenant, rule_of(request.status_rule)
        async with self._database.transaction(tenant) as connection:
            await channels.set_tenant_rule(connection, tenant, rule)
        return pb.UpdateStatusRuleResponse(status_rule=rule_message(rule))

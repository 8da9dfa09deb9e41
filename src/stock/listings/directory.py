"""Whether a channel is there: the orders service knows."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

import grpc

from spojka.api.orders.v1 import channel_service_pb2, channel_service_pb2_grpc
from spojka.identity import Identity
from spojka.rpc.client import call_metadata, open_channel
from spojka.rpc.status import from_rpc_error

CALL_TIMEOUT_SECONDS: Final = 5.0
REMEMBERED_MAX_CHANNELS: Final = 10_000


class ChannelDirectory:
    """Asks the orders service once for each channel and remembers those that are there.

    A channel is never deleted, so that what is remembered stays true.
    """

    def __init__(self, address: str, internal_token: str) -> None:
        """Remember whom to ask; `start` opens the way there."""
        self._address = address
        self._token = internal_token
        self._known: OrderedDict[tuple[UUID, str], None] = OrderedDict()
        self._channel: grpc.aio.Channel | None = None

    async def start(self) -> None:
        """Open the way to the orders service, which need not answer yet."""
        self._channel = open_channel(self._address)

    async def stop(self) -> None:
        """Close it."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def require(self, identity: Identity, channel_id: str) -> None:
        """Return if the caller may speak for the channel and it is there.

        A key of a channel is taken as proof of it. Raises PermissionDenied,
        NotFound, or Unavailable where the orders service does not answer.
        """
        identity.require_channel(channel_id)
        key = (identity.tenant, channel_id)
        if identity.channel_id is not None:
            return
        if key in self._known:
            self._known.move_to_end(key)
            return
        await self._ask(identity, channel_id)
        self._known[key] = None
        if len(self._known) > REMEMBERED_MAX_CHANNELS:
            self._known.popitem(last=False)

    async def _ask(self, identity: Identity, channel_id: str) -> None:
        assert self._channel is not None, "the directory was not started"
        stub = channel_service_pb2_grpc.ChannelServiceStub(self._channel)
        try:
            await stub.GetChannel(
                channel_service_pb2.GetChannelRequest(id=channel_id),
                metadata=call_metadata(identity, self._token),
                timeout=CALL_TIMEOUT_SECONDS,
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

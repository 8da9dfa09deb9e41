"""The public gRPC server."""

from typing import Final

import grpc
from google.protobuf.descriptor import MethodDescriptor

from gateway.gatekeeper import Gatekeeper, least_scope
from gateway.load import MAX_CALLS
from spojka.identity import Identity
from spojka.rpc.server import BaseServer, Metadata

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""A request is in memory before its key is known, so less is taken here than inside the house."""
MAX_CONNECTION_AGE_MS: Final = 60 * 60 * 1000
"""Connections are made anew now and then, so that they spread over all edges."""
MAX_CONNECTION_AGE_GRACE_MS: Final = 10 * 60 * 1000
MAX_CONNECTION_IDLE_MS: Final = 10 * 60 * 1000
"""A connection without calls is closed after this; clients make a new one by themselves."""
MAX_CONNECTIONS: Final = 2_000
MAX_STREAMS_PER_CONNECTION: Final = 250
"""Calls that one connection may have under way; its client holds back the others."""
MAX_PENDING_CALLS: Final = 5_000
"""Calls that wait until their caller is asked for; gRPC cancels beyond that by chance."""
MAX_METADATA_BYTES: Final = 8 * 1024
HANDSHAKE_TIMEOUT_MS: Final = 10_000
"""For whoever connects and does not say that it speaks HTTP/2 (or TLS)."""
KEEPALIVE_MS: Final = 60_000
KEEPALIVE_TIMEOUT_MS: Final = 20_000

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.max_concurrent_streams", MAX_STREAMS_PER_CONNECTION),
    ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_PENDING_CALLS),
    ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
    ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
    ("grpc.max_connection_idle_ms", MAX_CONNECTION_IDLE_MS),
    ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_MS),
    ("grpc.max_connection_age_grace_ms", MAX_CONNECTION_AGE_GRACE_MS),
)


class PublicServer(BaseServer):
    """The server that clients call: believes API keys, and nothing else that a caller says."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        gatekeeper: Gatekeeper,
        call_deadline_seconds: float,
        credentials: grpc.ServerCredentials | None,
    ) -> None:
        """Remember where to listen; `start` binds."""
        super().__init__(
            host,
            port,
            call_deadline_seconds=call_deadline_seconds,
            max_concurrent_calls=MAX_CALLS,
            credentials=credentials,
            options=_OPTIONS,
        )
        self._gatekeeper = gatekeeper

    async def authenticate(self, method: MethodDescriptor, metadata: Metadata) -> Identity:
        """The identity behind the API key, if its scope suffices for `method`."""
        return await self._gatekeeper.admit(metadata, least_scope(method))

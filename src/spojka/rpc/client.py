"""Calls between services: the caller's identity travels with the internal credential."""

import json
from typing import Final

import grpc

from spojka.identity import Identity
from spojka.rpc.server import MAX_MESSAGE_BYTES
from spojka.telemetry import TRACEPARENT, current_traceparent

SERVICE_CONFIG: Final = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.2},
}
"""Calls go round all instances of a service. UNAVAILABLE may be tried again, since every write of
the contracts is idempotent.
"""

KEEPALIVE_MS: Final = 10_000
"""After so long without a word from an instance that has a call, it is asked for one."""
KEEPALIVE_TIMEOUT_MS: Final = 5_000
"""An instance that stands still, or a host that is cut off, is left after this; its calls go to
another instance, well before their deadline."""


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel to a service inside the house: to all instances, where several are named."""
    return grpc.aio.insecure_channel(
        f"ipv4:{address}" if "," in address else address,
        options=[
            ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
            # That of any ping: gRPC has one on its way at a time, and heeds no other limit then.
            ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_MS),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.max_reconnect_backoff_ms", 1_000),
        ],
    )


def call_metadata(identity: Identity, internal_token: str) -> tuple[tuple[str, str], ...]:
    """The metadata by which a service believes who is calling."""
    metadata = [
        ("authorization", f"Bearer {internal_token}"),
        ("spojka-scope", str(int(identity.scope))),
        ("spojka-actor", identity.actor),
        (TRACEPARENT, current_traceparent()),
    ]
    if identity.tenant_id is not None:
        metadata.append(("spojka-tenant", str(identity.tenant_id)))
    if identity.channel_id is not None:
        metadata.append(("spojka-channel", identity.channel_id))
    return tuple(metadata)

"""Asks a process whether it serves.

Also a command for containers' health checks:
`python -m spojka.probe grpc://127.0.0.1:50051` ends with status 0 when it serves.
"""

import asyncio
import sys
from typing import Any, Final

import grpc
import httpx
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

TIMEOUT_SECONDS: Final = 1.0


async def grpc_lacks(address: str) -> str | None:
    """Say what a gRPC server lacks by its health service; None when it serves."""
    async with grpc.aio.insecure_channel(address) as channel:
        health: Any = HealthStub(channel)
        try:
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            return f"{address} does not answer ({error.code().name})"
    if answer.status == health_pb2.HealthCheckResponse.SERVING:
        return None
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return f"{address} says {status}"


async def http_lacks(url: str) -> str | None:
    """Say what an HTTP server lacks; None when it answers 200."""
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            answer = await client.get(url)
        except httpx.HTTPError as error:
            return f"{url} does not answer ({type(error).__name__})"
    if answer.status_code == httpx.codes.OK:
        return None
    return f"{url} answers {answer.status_code}: {answer.text[:500]}"


def main(url: str) -> None:
    """Probe once; end the process with what is lacking."""
    probe = (
        grpc_lacks(url.removeprefix("grpc://")) if url.startswith("grpc://") else http_lacks(url)
    )
    sys.exit(asyncio.run(probe))


if __name__ == "__main__":
    main(sys.argv[1])

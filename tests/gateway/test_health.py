"""Health and reflection of the public address, which need no key."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from gateway.routes import FORWARDED, OWN
from tests.gateway.calling import refused
from tests.gateway.house import House
from tests.waiting import until

SERVING = health_pb2.HealthCheckResponse.SERVING


async def serving(house: House, service: str) -> bool:
    stub: Any = HealthStub(house.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    return bool(answer.status == SERVING)


async def test_each_service_is_as_healthy_as_what_serves_it(house: House) -> None:
    forwarded = [service.full_name for group in FORWARDED.values() for service in group]
    own = [service.full_name for service in OWN.values()]

    async def all_serve() -> bool:
        return all([await serving(house, name) for name in forwarded])

    async def none_serves() -> bool:
        return not any([await serving(house, name) for name in forwarded])

    await until(all_serve, "every service is healthy")
    await house.backend.stop()
    await until(none_serves, "no forwarded service is healthy")
    assert all([await serving(house, name) for name in ("", *own)])


async def test_an_unknown_service_is_not_found(house: House) -> None:
    error = await refused(serving(house, "spojka.api.nothing.v1.Nothing"))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_names_every_public_service(house: House) -> None:
    channel: Any = house.channel
    stub: Any = ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    names = set()
    async for answer in stub.ServerReflectionInfo(iter([request]), timeout=5):
        names |= {service.name for service in answer.list_services_response.service}
    public = {service.full_name for group in FORWARDED.values() for service in group}
    assert names >= public | {service.full_name for service in OWN.values()}

"""Every method of the contracts, called with every scope."""

from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from gateway.gatekeeper import Gatekeeper, least_scope
from gateway.known_keys import KnownKeys
from gateway.routes import FORWARDED, OWN
from spojka.api.common.v1 import rules_pb2
from spojka.errors import PermissionDenied
from spojka.identity import Scope
from tests.gateway.echo import fill
from tests.gateway.house import House

FORWARDED_METHODS: list[MethodDescriptor] = [
    method for services in FORWARDED.values() for service in services for method in service.methods
]
OWN_METHODS: list[MethodDescriptor] = [
    method for service in OWN.values() for method in service.methods
]


def test_every_method_says_who_may_call_it() -> None:
    silent = [m.full_name for m in FORWARDED_METHODS + OWN_METHODS if least_scope(m) is None]
    assert not silent


async def test_a_scope_opens_its_methods_and_no_other(house: House) -> None:
    keys = {
        Scope.CHANNEL: await house.key("alpha", rules_pb2.SCOPE_CHANNEL, "eshop-cz"),
        Scope.OPERATOR: await house.operator(),
        Scope.ADMIN: house.admin,
    }
    wrong = []
    for method in FORWARDED_METHODS + OWN_METHODS:
        least = least_scope(method)
        assert least is not None
        for scope, key in keys.items():
            house.echo.heard.clear()
            code = await _called(house, method, key)
            arrived = [heard.method for heard in house.echo.heard]
            if scope < least:
                right = code is grpc.StatusCode.PERMISSION_DENIED and not arrived
            elif method in OWN_METHODS:
                right = code is not grpc.StatusCode.PERMISSION_DENIED
            else:
                right = code is grpc.StatusCode.OK and arrived == [method.full_name]
            if not right:
                wrong.append((method.full_name, scope.name, code, arrived))
    assert not wrong


async def test_a_method_without_a_scope_is_nobodys(house: House) -> None:
    check: Any = health_pb2.DESCRIPTOR.services_by_name["Health"].methods_by_name["Check"]
    assert least_scope(check) is None
    with pytest.raises(PermissionDenied):
        await Gatekeeper(KnownKeys(house.database)).admit(
            dict(house.sent_with(house.admin)), least_scope(check)
        )


async def _called(house: House, method: MethodDescriptor, key: str) -> grpc.StatusCode:
    request = fill(GetMessageClass(method.input_type)())
    channel: Any = house.channel
    path = f"/{method.containing_service.full_name}/{method.name}"
    metadata = house.sent_with(key, spojka_tenant="alpha")
    try:
        if method.server_streaming:
            stream = channel.unary_stream(path)(
                request.SerializeToString(), metadata=metadata, timeout=10
            )
            async for _ in stream:
                pass
        else:
            await channel.unary_unary(path)(
                request.SerializeToString(), metadata=metadata, timeout=10
            )
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK

"""Messages that no client of the contracts sends, to every method of every public service."""

import asyncio
import base64
from collections.abc import Iterator
from random import Random
from typing import Final

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from gateway.gatekeeper import least_scope
from spojka.api.orders.v1.order_service_pb2 import DESCRIPTOR as ORDERS
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.api.stock.v1.warehouse_service_pb2 import DESCRIPTOR as WAREHOUSES
from spojka.identity import Scope
from tests.security.hostile import broken, many, odd
from tests.security.house import House
from tests.security.memory import resident_bytes
from tests.security.merchant import Merchant
from tests.security.wire import METHODS, Outcome, bearing, call, request_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE: Final = 8
GROWTH_MAX_BYTES: Final = 150 * 1024 * 1024
ANSWERS: Final = frozenset({
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
})  # fmt: skip
"""What a client can do something about; a fault of ours is none of these."""
FAULTS: Final = (b"a handler failed", b"could not be forwarded", b"DecodeError", b"MemoryError")
ODD_OF_EACH: Final = 25
"""Of the odd values of one method, which are hundreds: the seed says which."""
SEED: Final = 20_261_122

ODD_KEYS: Final = (
    "null",
    "[]",
    "{}",
    "[1e999]",
    "[[]]",
    "[" * 700,
    '["\\u0000"]',
    '["\\ud800"]',
    '["99999999999999999999999999999"]',
    '["-1"]',
    """["' OR 1=1 --"]""",
    *(str(["x"] * count).replace("'", '"') for count in range(2, 8)),
    *(str(["\0"] * count).replace("'", '"').replace("x00", "u0000") for count in range(1, 8)),
)
"""Inside of tokens: other types and lengths, depth, another's syntax, what can't be stored."""

Attack = tuple[MethodDescriptor, bytes]
OWN: Final = [method for method in METHODS if least_scope(method) is not Scope.ADMIN]


def attacks(seed: int) -> Iterator[Attack]:
    """Every kind of hostile message for every method."""
    random = Random(seed)
    for method in OWN:
        for body in (*broken(method, random), *many(method)):
            yield method, body
        strange = list(odd(method))
        for request in random.sample(strange, min(ODD_OF_EACH, len(strange))):
            yield method, request.SerializeToString()


async def sent(channel: grpc.aio.Channel, attack: Attack, key: str) -> Outcome:
    method, body = attack
    return await call(channel, method, body, bearing(key))


async def test_every_method_answers_them_and_every_process_lives(
    house: House, attacker: Merchant
) -> None:
    channel, key = house.admin.channel, attacker.operator.key
    pids = house.pids()
    before = {name: resident_bytes(pid) for name, pid in pids.items()}
    faults = {name: _faults(log) for name, log in house.logs()}
    wrong: list[str] = []
    limit = asyncio.Semaphore(AT_ONCE)

    async def attacked(attack: Attack) -> None:
        async with limit:
            outcome = await sent(channel, attack, key)
        if outcome.code not in ANSWERS or b"Traceback" in outcome.told:
            method, body = attack
            wrong.append(f"{method.full_name}: {outcome.code} {outcome.told!r} for {body[:80]!r}")

    await asyncio.gather(*map(attacked, attacks(SEED)))
    assert not wrong
    assert {name: _faults(log) for name, log in house.logs()} == faults
    assert house.pids() == pids
    for name, pid in pids.items():
        assert resident_bytes(pid) - before[name] < GROWTH_MAX_BYTES, name
    lists = ORDERS.services_by_name["OrderService"].methods_by_name["ListOrders"]
    assert (await call(channel, lists, request_of(lists), bearing(key))).code is grpc.StatusCode.OK


async def test_what_is_no_message_is_told_to_known_callers_only(
    house: House, attacker: Merchant
) -> None:
    random = Random(SEED)
    for method in OWN:
        for body in broken(method, random):
            told = await sent(house.admin.channel, (method, body), attacker.operator.key)
            assert told.code is grpc.StatusCode.INVALID_ARGUMENT, method.full_name
            unknown = await sent(house.admin.channel, (method, body), "spk_nobody")
            assert unknown.code is grpc.StatusCode.UNAUTHENTICATED
            break


async def test_control_characters_in_settings(house: House, attacker: Merchant) -> None:
    create = WAREHOUSES.services_by_name["WarehouseService"].methods_by_name["CreateConnection"]
    for name in ("url", "ico", "order_text", "stores", "\0"):
        for kind in ("settings", "credentials"):
            connection = api.Connection(
                system="pohoda",
                settings={"url": "http://erp.example", "ico": "12345678"},
                credentials={"username": "api", "password": "api"},
            )
            getattr(connection, kind)[name] = "a\0b"
            outcome = await call(
                house.admin.channel,
                create,
                api.CreateConnectionRequest(connection=connection),
                bearing(attacker.operator.key),
            )
            assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT, (name, outcome.told)


async def test_tokens_that_nobody_gave(house: House, attacker: Merchant) -> None:
    """Page tokens and cursors with another's syntax, other types, and depth inside."""
    tokens = [encoded(text) for text in ODD_KEYS] + ["é", "=", "W" * 900]
    for method in OWN:
        for name in ("page_token", "resume_token"):
            if name not in method.input_type.fields_by_name:
                continue
            for token in tokens:
                request = request_of(method)
                _fill_channel(request)
                setattr(request, name, token)
                outcome = await call(
                    house.admin.channel, method, request, bearing(attacker.operator.key)
                )
                # Where any text is a key, such as a name, what is behind it is the caller's own.
                assert outcome.code in ANSWERS, (method.full_name, token, outcome.code)


def encoded(text: str) -> str:
    """A text as tokens are written."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _fill_channel(request: object) -> None:
    if hasattr(request, "channel_id"):
        request.channel_id = "shop"


def _faults(log: bytes) -> list[int]:
    return [log.count(fault) for fault in FAULTS]

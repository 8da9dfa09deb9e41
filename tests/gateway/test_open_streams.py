"""Streams end with the key that opened them, and no others do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.message import Message

from gateway import api_keys, open_streams
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub
from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from spojka.errors import Unavailable
from tests.gateway.calling import DEADLINE_SECONDS, refused
from tests.gateway.echo import Heard
from tests.gateway.house import House

WATCH = listings.WatchStockRequest(channel_id="eshop-cz")


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are looked up all the time; to be asked for before the house."""
    monkeypatch.setattr(open_streams, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(open_streams, "RETRY_SECONDS", 0.1)


async def endless(_heard: Heard) -> AsyncIterator[Message]:
    yield listings.WatchStockResponse(resume_token="1")
    await asyncio.Event().wait()


async def begun(stream: "grpc.aio.UnaryStreamCall[Any, Any]") -> bool:
    """Whether the stream's first batch is there."""
    return bool(await stream.read() == listings.WatchStockResponse(resume_token="1"))


async def revoke(house: House, tenant: str) -> None:
    """Revoke all keys of a tenant."""
    sent = house.sent_with(house.admin, spojka_tenant=tenant)
    stub = ApiKeyServiceStub(house.channel)
    for key in (await stub.ListApiKeys(accounts.ListApiKeysRequest(), metadata=sent)).api_keys:
        await stub.RevokeApiKey(accounts.RevokeApiKeyRequest(id=key.id), metadata=sent)


async def opened(house: House, key: str) -> "grpc.aio.UnaryStreamCall[Any, Any]":
    """A stream of this key that has begun."""
    stream = ListingServiceStub(house.channel).WatchStock(WATCH, metadata=house.sent_with(key))
    assert await begun(stream)
    return stream


async def ended(stream: "grpc.aio.UnaryStreamCall[Any, Any]") -> bool:
    """Whether the stream ends by itself, for want of a key."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        error = await refused(stream.read())
    return error.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_stream_ends_with_the_key_that_opened_it(house: House) -> None:
    """A shop whose key leaked revokes it: whoever has it reads nothing more."""
    house.echo.stream = endless
    first = await opened(house, await house.operator("alpha"))
    second = await opened(house, await house.operator("alpha"))
    other = await opened(house, await house.operator("beta"))
    await revoke(house, "alpha")
    assert await ended(first)
    assert await ended(second)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await house.echo.cancelled.wait()
    assert not other.done()
    other.cancel()


@pytest.mark.usefixtures("often")
async def test_a_stream_ends_where_nobody_was_told_of_its_key(house: House) -> None:
    house.echo.stream = endless
    stream = await opened(house, await house.operator())
    async with house.database.infrastructure() as connection:
        await connection.execute("UPDATE api_key SET revoke_time = now() WHERE scope = 2")
    assert await ended(stream)


@pytest.mark.usefixtures("often")
async def test_streams_go_on_while_keys_can_not_be_looked_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def away(*_: object) -> set[UUID]:
        asked.set()
        raise Unavailable("the database is away")

    house.echo.stream = endless
    with monkeypatch.context() as patched:
        patched.setattr(api_keys, "find_live_ids", away)
        stream = await opened(house, await house.operator())
        async with asyncio.timeout(DEADLINE_SECONDS):
            await asked.wait()
    assert not stream.done()
    await revoke(house, "alpha")
    assert await ended(stream)

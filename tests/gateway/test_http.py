"""Impulse URLs and health over HTTP."""

import math
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from google.protobuf.message import Message

from gateway.http import (
    IMPULSE_BURST_PER_TOKEN,
    IMPULSES_PER_SECOND_PER_TOKEN,
    MAX_BODY_BYTES,
)
from spojka.api.stock.v1 import warehouse_service_pb2 as warehouse
from spojka.errors import InvalidArgument, NotFound, Violation
from spojka.identity import Identity, Scope
from tests.gateway.echo import Heard
from tests.gateway.house import House
from tests.waiting import until


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{house.edge.http.port}") as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_impulse_is_passed_on(
    house: House, client: httpx.AsyncClient, method: str
) -> None:
    answer = await client.request(method, "/impulse/abc-DEF_1", content=b'{"agenda": "sklad"}')
    assert answer.status_code == 202
    heard = house.echo.heard[-1]
    assert heard.request == warehouse.SendImpulseRequest(token="abc-DEF_1")
    assert heard.call.identity == Identity(None, Scope.ADMIN, "edge")


async def test_an_unknown_impulse_is_not_found(house: House, client: httpx.AsyncClient) -> None:
    async def unknown(_heard: Heard) -> Message:
        raise NotFound("there is no such token")

    house.echo.unary = unknown
    assert (await client.post("/impulse/abc")).status_code == 404
    house.echo.heard.clear()
    for malformed in ("a.b", "x" * 101, "%20", "a%2Fb"):
        assert (await client.post(f"/impulse/{malformed}")).status_code == 404
    assert not house.echo.heard


async def test_a_storm_of_one_token_is_slowed_and_others_pass(
    client: httpx.AsyncClient,
) -> None:
    started = time.monotonic()
    taken = 0
    while (slowed := await client.post("/impulse/storm")).status_code == 202:
        taken += 1
    refilled = math.ceil((time.monotonic() - started) * IMPULSES_PER_SECOND_PER_TOKEN)
    assert IMPULSE_BURST_PER_TOKEN <= taken <= IMPULSE_BURST_PER_TOKEN + refilled
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) >= 1
    assert (await client.post("/impulse/calm")).status_code == 202


async def test_a_long_body_is_refused(house: House, client: httpx.AsyncClient) -> None:
    answer = await client.post("/impulse/abc", content=b"x" * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert not house.echo.heard


async def test_an_impulse_that_can_not_be_taken_now_is_to_be_sent_again(
    house: House, client: httpx.AsyncClient
) -> None:
    async def fails(_heard: Heard) -> Message:
        raise InvalidArgument([Violation("inner", "secret of the house")])

    house.echo.unary = fails
    answer = await client.post("/impulse/abc")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    await house.backend.stop()
    assert (await client.post("/impulse/abc")).status_code == 503


async def test_ready_names_what_is_away(house: House, client: httpx.AsyncClient) -> None:
    async def ready() -> bool:
        return (await client.get("/ready")).status_code == 200

    await until(ready, "every part is ready")
    assert (await client.get("/ready")).json() == {
        "ready": True,
        "parts": dict.fromkeys(("database", "orders", "stock", "payments", "mail_ingest"), "ready"),
    }
    await house.backend.stop()

    async def away() -> bool:
        return (await client.get("/ready")).status_code == 503

    await until(away, "the edge is not ready")

    async def both() -> bool:
        parts = (await client.get("/ready")).json()["parts"]
        return bool(parts["stock"] == parts["orders"] == "does not answer (UNAVAILABLE)")

    await until(both, "both services of the backend are away")
    assert (await client.get("/health")).json() == {"status": "alive"}


async def test_answers_carry_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/ready", "/nothing"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "server" not in headers

"""The HTTP routes of the edge, from its own table, with what no partner sends.

What a storm of impulses and a long body meet: tests/gateway/test_http.py.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Final

import httpx
import pytest
import pytest_asyncio
from starlette.routing import Route

from gateway.http import application
from spojka.http_server import IDLE_SECONDS, MAX_HEADER_BYTES
from tests.security.house import House
from tests.security.memory import resident_bytes
from tests.security.merchant import Merchant

pytestmark = pytest.mark.asyncio(loop_scope="session")

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
GUESSES: Final = (
    "",
    "%00",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cwindows",
    "a%0d%0aSet-Cookie:%20a=b",
    "' OR 1=1 --".replace(" ", "%20"),
    "%F0%9F%92%A9",
    "%C3%28",
    "%",
    "%zz",
    "a" * 100,
    "a" * 8_000,
    "<script>",
)
STRANGE_PATHS: Final = (
    "/",
    "//",
    "/impulse",
    "/impulse/",
    "/impulse/a/b",
    "/.env",
    "/.git/config",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/admin",
    "/health/../metrics",
    "/ready?x=" + "y" * 4_000,
)
IDLE_CONNECTIONS: Final = 200
GROWTH_MAX_BYTES: Final = 100 * 1024 * 1024


def routes() -> list[Route]:
    """Every route that the edge has."""

    async def send(_token: str) -> None:
        raise AssertionError

    table = application(send, (), {}, https=False).routes
    return [route for route in table if isinstance(route, Route)]


def filled(route: Route) -> Iterator[str]:
    """The paths of a route, with guesses in its places."""
    places = list(route.param_convertors)
    for guess in GUESSES if places else ("",):
        path = route.path
        for name in places:
            path = path.replace(f"{{{name}}}", guess)
        yield path


@pytest_asyncio.fixture(loop_scope="session")
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    url = house.installation.edge.http_url
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
        yield client


async def test_every_route_meets_guesses_and_other_methods(
    house: House, client: httpx.AsyncClient
) -> None:
    table = routes()
    assert {route.path for route in table} == {"/impulse/{token}", "/health", "/ready"}
    for route in table:
        for path in filled(route):
            for method in METHODS:
                answer = await client.request(method, path)
                allowed = method in (route.methods or ())
                expected = {200, 404, 405, 429, 400} if allowed else {404, 405, 400}
                assert answer.status_code in expected, (method, path, answer.status_code)
                _tells_nothing(house, answer)


async def test_unknown_paths_are_not_found(house: House, client: httpx.AsyncClient) -> None:
    for path in STRANGE_PATHS:
        answer = await client.get(path)
        known = path.startswith("/ready")
        assert answer.status_code == (200 if known else 404), path
        _tells_nothing(house, answer)


async def test_a_living_impulse_url_tells_no_more_than_an_accepted_one(
    house: House, victim: Merchant, client: httpx.AsyncClient
) -> None:
    connection = await victim.office.connection(victim.connection_id)
    token = connection.impulse_url.rpartition("/")[2]
    assert len(token) >= 32
    for guess in (token[:-1], f"{token}x", token.swapcase(), f"{token}%00"):
        assert (await client.post(f"/impulse/{guess}")).status_code in {404, 429}
    accepted = await client.post(f"/impulse/{token}")
    assert (accepted.status_code, accepted.content) == (202, b"")
    assert token not in str(accepted.headers)
    assert not any(token.encode() in log for _, log in house.logs())


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 2 * MAX_HEADER_BYTES, b"400"),
        (b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", b"400"),
        (b"GET /" + b"a" * 2 * MAX_HEADER_BYTES, b"400"),
        (b"GET /health\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"POST /impulse/a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
        (
            (
                b"POST /impulse/a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
            ),
            b"",
        ),
        (b"GET /health HTTP/1.1\r\nHost : a\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_request(house: House, request_bytes: bytes, status: bytes) -> None:
    """Smuggling, too: where two lengths are given, one request is answered and no second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.installation.edge.http_port)
    try:
        writer.write(request_bytes)
        await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(IDLE_SECONDS + 10):
            answer = await reader.read()
    except ConnectionError:
        answer = b""  # cut off before it had said all
    finally:
        writer.close()
    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    assert not status or not answer or answer.split(b" ")[1] == status, answer
    assert b"Traceback" not in answer


async def test_idle_connections_leave_room(house: House, client: httpx.AsyncClient) -> None:
    pid = house.pids()["gateway"]
    before = resident_bytes(pid)
    async with AsyncExitStack() as stack:
        for number in range(IDLE_CONNECTIONS):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", house.installation.edge.http_port
            )
            stack.callback(writer.close)
            writer.write(b"" if number % 2 else b"POST /impulse/a HTTP/1.1\r\nHost: a\r\nX: ")
        assert (await client.get("/health")).status_code == 200
    assert resident_bytes(pid) - before < GROWTH_MAX_BYTES


def _tells_nothing(house: House, answer: httpx.Response) -> None:
    said = answer.content + str(answer.headers).encode()
    assert b"Traceback" not in said
    assert not any(canary.secret.encode() in said for canary in house.canaries)
    assert "set-cookie" not in answer.headers
    assert len(answer.content) < 1_000

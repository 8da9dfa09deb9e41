"""Outbound calls reach only what the operator allows."""

import asyncio

import httpx
import pytest

from spojka.outbound import OutboundPolicy, TargetForbidden


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "192.168.1.1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "fe80::1",
        "0.0.0.0",  # noqa: S104 - an address that must be refused
        "100.64.0.1",
    ],
)
def test_addresses_of_the_operators_own_network_are_refused(address: str) -> None:
    with pytest.raises(TargetForbidden, match="SPOJKA_ALLOW_PRIVATE_TARGETS"):
        OutboundPolicy().check_address("erp.example", address)


def test_public_addresses_and_allowed_private_ones_pass() -> None:
    OutboundPolicy().check_address("erp.example", "93.184.216.34")
    OutboundPolicy(allow_private=True).check_address("erp.example", "127.0.0.1")


@pytest.mark.parametrize(
    "url", ["ftp://erp.example", "erp.example", "http://", "file:///etc/passwd"]
)
def test_only_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        OutboundPolicy().client(url)


async def test_a_name_that_resolves_to_this_machine_is_refused() -> None:
    async with OutboundPolicy().client("http://localhost:1") as client:
        with pytest.raises(TargetForbidden):
            await client.get("/")


async def test_the_next_address_is_tried_where_one_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()

    async def both(_host: str, _port: int, **_options: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("127.0.0.2", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    async with server, OutboundPolicy(allow_private=True).client("http://erp.example") as client:
        answered = await client.get(f"http://erp.example:{port}/")
    assert answered.status_code == httpx.codes.NO_CONTENT

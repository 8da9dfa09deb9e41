"""Outbound HTTP to addresses that tenants type: what it may reach, and how long it may take."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpcore
import httpx

_OTHERS: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "::/96",  # IPv4-compatible, RFC 4291 §2.5.5.1
        "::ffff:0:0:0/96",  # IPv4-translated, RFC 2765 §2.1
        "64:ff9b::/96",  # NAT64: leads to any IPv4 address, RFC 6052 §2.1
        "64:ff9b:1::/48",  # NAT64 of a network's own, RFC 8215
        "2002::/16",  # 6to4: the same, RFC 3056
        "fec0::/10",  # site-local, RFC 3879
        "5f00::/16",  # segment routing, RFC 9602
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.88.99.0/24",  # relays of 6to4, RFC 7526
    )
)
"""What `ipaddress` of some Python version calls global though it is, or leads to, somebody's own.

An address of the Internet that these disguise can be written plainly.
"""


class TargetForbidden(Exception):
    """The address points into the operator's own network."""


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Which targets are allowed and the limits of each call.

    Loopback, private and link-local addresses are refused unless
    `allow_private` is set by the operator (DESIGN §8).
    """

    allow_private: bool = False
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 120.0
    max_answer_bytes: int = 256 * 1024 * 1024

    def check_address(self, host: str, address: str) -> None:
        """Raise TargetForbidden where `address`, which `host` resolved to, is not allowed."""
        if not self.allow_private and not _is_public(address):
            raise TargetForbidden(
                f"{host} resolves to {address}, which is not a public address; the operator can "
                "allow private targets with SPOJKA_ALLOW_PRIVATE_TARGETS=true"
            )

    def client(self, base_url: str) -> httpx.AsyncClient:
        """An HTTP client for one partner: no redirects, no proxies from the environment.

        Raises ValueError where the URL is not http(s) with a host.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http:// or https:// address with a host name")
        try:
            base = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise ValueError(f"is no address: {error}") from error
        transport = httpx.AsyncHTTPTransport(retries=0)
        pool = transport._pool  # noqa: SLF001 - httpx has no public way to check the resolved address
        pool._network_backend = _CheckedBackend(self)  # noqa: SLF001
        return httpx.AsyncClient(
            base_url=base,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(self.read_timeout_seconds, connect=self.connect_timeout_seconds),
        )


def _is_public(address: str) -> bool:
    """Whether an address is one of the Internet at large, and leads nowhere else in disguise."""
    ip = ipaddress.ip_address(address)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    if mapped is not None:
        ip = mapped
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _OTHERS)


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the very address that was checked, so that DNS can't change in between."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self._policy = policy
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} can't be resolved: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._policy.check_address(host, address)
        last = len(addresses) - 1
        for place, address in enumerate(addresses):
            try:
                return await self._inner.connect_tcp(
                    address,
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == last:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

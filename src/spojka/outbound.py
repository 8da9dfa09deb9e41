"""Outbound HTTP to addresses that tenants type: what it may reach, and how long it may take."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore
import httpx


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
        ip = ipaddress.ip_address(address)
        mapped = getattr(ip, "ipv4_mapped", None)
        if not self.allow_private and not (mapped or ip).is_global:
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
        transport = httpx.AsyncHTTPTransport(retries=0)
        pool = transport._pool  # noqa: SLF001 - httpx has no public way to check the resolved address
        pool._network_backend = _CheckedBackend(self)  # noqa: SLF001
        return httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(self.read_timeout_seconds, connect=self.connect_timeout_seconds),
        )


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

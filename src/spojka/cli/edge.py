"""Calls of the public address from commands."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import Message
from pydantic import ValidationError

from spojka.cli.client_settings import KEY_FILE, ClientSettings
from spojka.cli.errors import CommandError, said
from spojka.cli.local import local_settings
from spojka.errors import InvalidArgument, PermissionDenied, Unavailable
from spojka.rpc.server import MAX_MESSAGE_BYTES
from spojka.rpc.status import from_rpc_error
from spojka.settings import PREFIX, SettingsError

CALL_TIMEOUT_SECONDS: Final = 60.0
PAGE_ROWS: Final = 500
SYSTEM_AUTHORITIES: Final = "system"

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What the options of a command say; what is None comes from the environment."""

    address: str | None
    key: str | None
    tenant: str | None
    tls_ca: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    """The public address, called with one key."""

    channel: grpc.aio.Channel
    address: str
    key: str
    tenant: str | None

    async def call(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Answer]", request: Request
    ) -> Answer:
        """Call a method. Raises CommandError."""
        metadata = [("authorization", f"Bearer {self.key}")]
        if self.tenant:
            metadata.append(("spojka-tenant", self.tenant))
        try:
            return await method(request, metadata=tuple(metadata), timeout=CALL_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise CommandError(self._said(error)) from error

    async def rows(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Any, Any]",
        request: Any,
        field: str,
        limit: int,
    ) -> list[Any]:
        """The first `limit` rows of a list, over as many pages as it takes."""
        rows: list[Any] = []
        while True:
            request.page_size = min(limit - len(rows), PAGE_ROWS)
            answer = await self.call(method, request)
            rows += getattr(answer, field)
            request.page_token = answer.next_page_token
            if not request.page_token or len(rows) >= limit:
                return rows[:limit]

    def _said(self, error: grpc.aio.AioRpcError) -> str:
        cause = from_rpc_error(error)
        if isinstance(cause, InvalidArgument):
            return "; ".join(f"{v.field}: {v.description}" for v in cause.violations)
        if isinstance(cause, PermissionDenied) and not self.tenant and "tenant" in cause.message:
            return "name the tenant with --tenant or SPOJKA_TENANT"
        if isinstance(cause, Unavailable):
            return f"{self.address}: {cause.message}"
        return cause.message


@asynccontextmanager
async def connected(options: ClientOptions) -> AsyncIterator[Edge]:
    """The edge by the options and the environment. Raises CommandError."""
    try:
        settings = ClientSettings()
    except ValidationError as error:
        problem = error.errors()[0]
        variable = f"{PREFIX}{problem['loc'][0]}".upper()
        raise CommandError(f"{variable}: {problem['msg']}") from error
    with said(SettingsError):
        local = local_settings()
    address = options.address or settings.address or f"127.0.0.1:{local.edge_grpc_port}"
    given = settings.api_key.get_secret_value() if settings.api_key else ""
    key = options.key or given or _key_of_up(local.data_dir / KEY_FILE)
    async with _channel(address, options.tls_ca or settings.tls_ca) as channel:
        yield Edge(channel, address, key, options.tenant or settings.tenant)


def _key_of_up(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CommandError(
            f"an API key is missing: give --key or SPOJKA_API_KEY, or run 'spojka up' here "
            f"(it leaves one in {path})"
        ) from error


def _channel(address: str, tls_ca: str | None) -> grpc.aio.Channel:
    options: Sequence[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ]
    if tls_ca is None:
        return grpc.aio.insecure_channel(address, options)
    if tls_ca == SYSTEM_AUTHORITIES:
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(), options)
    try:
        authority = Path(tls_ca).read_bytes()
    except OSError as error:
        raise CommandError(f"the authority's file can't be read: {error}") from error
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authority), options)

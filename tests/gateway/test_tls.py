"""TLS of the public port, with certificates made here."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from gateway.tls import server_credentials
from spojka.database import Database
from spojka.settings import Settings, SettingsError
from tests.gateway.house import StartEdge


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "chain.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


async def answers(port: int, trusted: bytes | None) -> bool:
    """Whether the port answers who trusts this certificate, or, for None, who speaks no TLS."""
    address = f"127.0.0.1:{port}"
    channel = (
        grpc.aio.insecure_channel(address)
        if trusted is None
        else grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(trusted))
    )
    async with channel:
        try:
            stub: Any = HealthStub(channel)
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.aio.AioRpcError:
            return False
    return True


async def test_the_public_port_speaks_tls_and_takes_a_renewed_certificate(
    settings: Settings,
    tmp_path: Path,
    make_database: Callable[[str], Awaitable[Database]],
    start_edge: StartEdge,
) -> None:
    chain, key = write_certificate(tmp_path)
    old = chain.read_bytes()
    secure = settings.model_copy(update={"edge_tls_certificate": chain, "edge_tls_key": key})
    port = (await start_edge(secure, await make_database("gateway"))).public.port
    assert await answers(port, old)
    assert not await answers(port, None)

    write_certificate(tmp_path)
    new = chain.read_bytes()
    later = datetime.now(UTC).timestamp() + 10
    os.utime(chain, (later, later))
    assert await answers(port, new)
    assert not await answers(port, old)


def test_a_certificate_without_a_key_is_refused(settings: Settings, tmp_path: Path) -> None:
    chain, key = write_certificate(tmp_path)
    for update in ({"edge_tls_certificate": chain}, {"edge_tls_key": key}):
        with pytest.raises(SettingsError, match="SPOJKA_EDGE_TLS_KEY"):
            server_credentials(settings.model_copy(update=update))


def test_a_certificate_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(SettingsError, match=r"missing\.pem"):
        server_credentials(
            settings.model_copy(update={"edge_tls_certificate": missing, "edge_tls_key": missing})
        )

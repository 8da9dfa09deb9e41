"""Every setting of Spojka, from the environment, checked at start.

`spojka settings` prints this page with the values in force.
"""

import base64
import binascii
from functools import cached_property
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SPOJKA_"


class SettingsError(Exception):
    """A setting is wrong; the message names the variable and what it wants."""


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:  # noqa: PLR2004 - the ports of TCP
        raise ValueError("wants host:port")
    return text


def _addresses(text: str) -> str:
    each = text.split(",")
    if len(each) == 1:
        return _address(text)
    for address in each:
        try:
            IPv4Address(_address(address).rpartition(":")[0])
        except ValueError as error:
            raise ValueError("wants host:port, or several as IPv4:port,IPv4:port") from error
    return text


def parse_dns_servers(text: str) -> list[tuple[str, int]]:
    """DNS servers as (IP address, port); none means the system's. Raises ValueError."""
    servers = []
    for each in text.split(",") if text else []:
        host, _, port = _address(each.strip()).rpartition(":")
        try:
            servers.append((str(ip_address(host.strip("[]"))), int(port)))
        except ValueError as error:
            raise ValueError("wants address:port[,address:port…] with IP addresses") from error
    return servers


def _dns_servers(text: str) -> str:
    parse_dns_servers(text)
    return text


def _sealing_keys(secret: SecretStr) -> SecretStr:
    parse_sealing_keys(secret)
    return secret


def parse_sealing_keys(secret: SecretStr) -> dict[str, bytes]:
    """The sealing keys by id, the first being the one to seal with.

    Raises ValueError unless it is "id:base64,…" with 32 bytes in each key.
    """
    keys: dict[str, bytes] = {}
    for part in secret.get_secret_value().split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError("wants id:base64[,id:base64…]") from error
        if not key_id or len(key) != 32:  # noqa: PLR2004 - AES-256
            raise ValueError("wants id:base64[,id:base64…] with 32 bytes in each key")
        keys[key_id] = key
    return keys


Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[str, AfterValidator(_addresses)]
"""Where all instances of a service are: one address, or several IPv4 ones between commas."""
DnsServers = Annotated[str, AfterValidator(_dns_servers)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL as a URL. Services log in with it as their own role; "
        "'spojka migrate' and 'spojka up' as one that may create roles. "
        "Where it is absent, 'up' starts its own server.",
    )
    role_secret: SecretStr | None = Field(
        None,
        description="Secret that the passwords of the services' roles are derived from. A service "
        "whose database URL names no user logs in as its own role with it.",
    )
    kafka_bootstrap: str | None = Field(
        None,
        description="Kafka's addresses as host:port[,host:port…]. Where it is absent, 'up' starts "
        "its own broker.",
    )
    kafka_options: dict[str, str] = Field(
        default_factory=dict,
        description='More librdkafka properties as JSON, such as {"security.protocol": "SSL"}.',
    )
    topic_prefix: str = Field(
        "spojka",
        pattern=r"^[a-z0-9][a-z0-9-]*$",
        description="What the names of topics, groups and transactional ids begin with.",
    )
    topic_replication: int = Field(
        1, ge=1, le=9, description="Replicas of each topic that Spojka creates."
    )
    stock_partitions: int = Field(24, ge=1, le=1000, description="Partitions of the stock topic.")
    orders_partitions: int = Field(
        12, ge=1, le=1000, description="Partitions of the order and import topics."
    )
    payments_partitions: int = Field(
        6, ge=1, le=1000, description="Partitions of the payment and notification topics."
    )
    fact_retention_days: int = Field(
        30, ge=1, le=3650, description="Days that topics other than stock keep their events."
    )
    inbox_retention_days: int = Field(
        45,
        ge=1,
        le=3650,
        description="Days that handled events are remembered; longer than topics.",
    )
    history_retention_days: int = Field(
        365,
        ge=1,
        le=3650,
        description="Days that movements of items and readings are kept.",
    )
    dead_letter_limit: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="Dead letters of one group and partition after which that partition pauses.",
    )
    sealing_keys: Annotated[SecretStr, AfterValidator(_sealing_keys)] | None = Field(
        None,
        description="Keys that partners' credentials are sealed with, as id:base64[,id:base64…], "
        "32 bytes each; the first one seals, the others still open.",
    )
    internal_token: SecretStr | None = Field(
        None, description="Credential by which services believe each other's calls."
    )
    data_dir: Path = Field(
        Path(".spojka"), description="Where 'up' keeps its servers' data, logs and secrets."
    )
    postgres_port: Port = Field(
        0, description="Port of the PostgreSQL that 'up' starts; 0: a free one, kept ever after."
    )
    kafka_port: Port = Field(
        0, description="Port of the Kafka that 'up' starts; 0: a free one, kept ever after."
    )
    edge_host: str = Field("127.0.0.1", description="Where the edge listens.")
    edge_grpc_port: Port = Field(50050, description="The public gRPC port.")
    edge_http_port: Port = Field(8080, description="The HTTP port of impulse URLs and health.")
    edge_tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate chain; with it the gRPC port speaks TLS."
    )
    edge_tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    public_url: str = Field(
        "http://127.0.0.1:8080", description="The edge's HTTP address as partners reach it."
    )
    service_host: str = Field("127.0.0.1", description="Where a service listens; never public.")
    service_port: Port = Field(
        0, description="The gRPC port of the service that 'serve' runs; 0 takes its own default."
    )
    stock_address: Addresses = Field(
        "127.0.0.1:50051",
        description="Where the stock service is; several instances as IPv4:port,IPv4:port.",
    )
    orders_address: Addresses = Field(
        "127.0.0.1:50052",
        description="Where the orders service is; several instances as IPv4:port,IPv4:port.",
    )
    payments_address: Addresses = Field(
        "127.0.0.1:50053",
        description="Where the payments service is; several instances as IPv4:port,IPv4:port.",
    )
    mail_ingest_address: Addresses = Field(
        "127.0.0.1:50054",
        description="Where the mail service is; several instances as IPv4:port,IPv4:port.",
    )
    mail_domain: str = Field(
        "mail.localhost",
        pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$",
        description="The domain of the addresses that banks write to; its MX is the SMTP port.",
    )
    smtp_host: str = Field("127.0.0.1", description="Where bank mails are taken.")
    smtp_port: Port = Field(2525, description="The SMTP port; the world's is 25.")
    smtp_tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate chain; with it STARTTLS is offered."
    )
    smtp_tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")
    smtp_connections_max: int = Field(
        200, ge=1, le=10_000, description="SMTP connections at once; one more must come later."
    )
    smtp_connections_per_ip_max: int = Field(
        20, ge=1, le=10_000, description="SMTP connections at once from one address."
    )
    smtp_deadline_seconds: float = Field(
        120.0, gt=0, le=3600, description="Longest that one SMTP connection may last."
    )
    mail_max_bytes: int = Field(
        1_048_576,
        ge=10_000,
        le=15_000_000,  # It is shown whole, in one message: see rpc.server.MAX_MESSAGE_BYTES.
        description="Largest mail that is taken, in bytes.",
    )
    mail_max_age_days: int = Field(
        10, ge=1, le=365, description="Days after which a mail pays nothing without a person."
    )
    mail_retention_days: int = Field(
        400, ge=1, le=3650, description="Days that mails are kept as they came."
    )
    dns_servers: DnsServers = Field(
        "",
        description="DNS servers that prove mails, as address:port[,address:port…]; "
        "empty: the system's.",
    )
    automatic_payments_per_hour: int = Field(
        200,
        ge=1,
        le=100_000,
        description="Most payments of one bank connection that pay orders by themselves in an "
        "hour, where the connection says nothing else.",
    )
    metrics_port: Port = Field(0, description="Port of /metrics and /health of a service; 0: none.")
    allow_private_targets: bool = Field(
        default=False,
        description="Whether partners may be called on loopback, private and link-local addresses.",
    )
    call_deadline_seconds: float = Field(
        30.0,
        gt=0,
        le=3600,
        description="Longest that one call may take where the caller sets none.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="Form of log lines.")

    @cached_property
    def sealing(self) -> dict[str, bytes]:
        """The sealing keys by id. Raises SettingsError where there are none."""
        if self.sealing_keys is None:
            raise SettingsError("SPOJKA_SEALING_KEYS is missing: credentials can't be sealed")
        return parse_sealing_keys(self.sealing_keys)

    @property
    def dns_server_list(self) -> list[tuple[str, int]]:
        """The DNS servers as (IP address, port); none means the system's."""
        return parse_dns_servers(self.dns_servers)

    def required_bootstrap(self) -> str:
        """Kafka's addresses. Raises SettingsError where they are missing."""
        if self.kafka_bootstrap is None:
            raise SettingsError("SPOJKA_KAFKA_BOOTSTRAP is missing: it wants host:port")
        return self.kafka_bootstrap

    def required_internal_token(self) -> str:
        """The internal credential. Raises SettingsError where it is missing."""
        if self.internal_token is None:
            raise SettingsError("SPOJKA_INTERNAL_TOKEN is missing: services can't trust each other")
        return self.internal_token.get_secret_value()


def load_settings() -> Settings:
    """Read the settings. Raises SettingsError that names each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        ]
        raise SettingsError("; ".join(lines)) from error

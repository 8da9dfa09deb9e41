"""The processes of the services: how many of each, and where each listens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spojka.servers.ports import choose_port
from spojka.service import Service
from spojka.settings import Settings
from spojka.up.errors import UpError

EDGE: Final = "gateway"
"""The service whose ports are public, and so have settings of their own."""
MAIL: Final = "mail_ingest"
"""The service that banks write to: its SMTP port has settings of its own, too."""
INSTANCES_MAX: Final = 8
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a service. A port of 0 is one that it does not open."""

    name: str
    service: str
    host: str
    grpc_port: int
    http_port: int
    smtp_port: int
    metrics_port: int

    @property
    def is_edge(self) -> bool:
        """Whether clients call it."""
        return self.service == EDGE

    @property
    def is_door(self) -> bool:
        """Whether what is outside reaches it: it is closed first."""
        return self.service in {EDGE, MAIL}

    @property
    def grpc_address(self) -> str:
        """Where it is called from this machine."""
        return f"{_reached(self.host)}:{self.grpc_port}"

    @property
    def http_url(self) -> str:
        """Where it is asked by HTTP from this machine; for the edge only."""
        return f"http://{_reached(self.host)}:{self.http_port}"


def counts(services: Mapping[str, Service], asked: Mapping[str, int]) -> dict[str, int]:
    """How many of each service; one where nothing is asked. Raises UpError."""
    unknown = sorted(asked.keys() - services.keys())
    if unknown:
        known = ", ".join(services) or "none"
        raise UpError(f"There is no service {', '.join(unknown)}; the services are: {known}.")
    for name, count in asked.items():
        if not 1 <= count <= INSTANCES_MAX:
            raise UpError(f"{count} instances of {name}: from 1 to {INSTANCES_MAX} can be run.")
    return {name: asked.get(name, 1) for name in services}


class Places:
    """Gives instances their ports, the same ones at every start.

    The first instance of a service takes the ports of the settings, unless
    `free_ports` asks for any that are free; further ones take free ones.
    """

    def __init__(
        self,
        settings: Settings,
        services: Mapping[str, Service],
        memory: Path,
        *,
        free_ports: bool,
    ) -> None:
        """Keep ports in the folder `memory`, which is made here."""
        self._settings = settings
        self._services = services
        self._memory = memory
        self._free_ports = free_ports
        memory.mkdir(parents=True, exist_ok=True)

    async def of(self, asked: Mapping[str, int]) -> list[Instance]:
        """All instances, in the order of the services. Raises PortTakenError, UpError."""
        numbered = [
            (service, number)
            for service, count in counts(self._services, asked).items()
            for number in range(1, count + 1)
        ]
        return [
            await self._instance(service, number, index)
            for index, (service, number) in enumerate(numbered)
        ]

    async def _instance(self, service: str, number: int, index: int) -> Instance:
        settings = self._settings
        name = service if number == 1 else f"{service}-{number}"
        first = number == 1
        if service == EDGE:
            host = settings.edge_host
            grpc_port, grpc_setting = settings.edge_grpc_port, "SPOJKA_EDGE_GRPC_PORT"
            http_port = await self._port(
                name, "HTTP", settings.edge_http_port if first else 0, "SPOJKA_EDGE_HTTP_PORT"
            )
        else:
            host = settings.service_host
            grpc_port, grpc_setting = self._inner_port(service), f"SPOJKA_{service.upper()}_ADDRESS"
            http_port = 0
        smtp_port = 0
        if service == MAIL:
            wanted = settings.smtp_port if first else 0
            smtp_port = await self._port(name, "SMTP", wanted, "SPOJKA_SMTP_PORT")
        metrics_port = 0
        if settings.metrics_port:
            wanted = settings.metrics_port + index
            metrics_port = await self._port(name, "metrics", wanted, "SPOJKA_METRICS_PORT")
        grpc_port = await self._port(name, "gRPC", grpc_port if first else 0, grpc_setting)
        return Instance(name, service, host, grpc_port, http_port, smtp_port, metrics_port)

    def _inner_port(self, service: str) -> int:
        address = getattr(self._settings, f"{service}_address", None)
        if address is None:
            return self._services[service].default_port
        return int(str(address).split(",", 1)[0].rpartition(":")[2])

    async def _port(self, name: str, kind: str, wanted: int, setting: str) -> int:
        memory = self._memory / f"{name}.{kind.lower()}"
        port = None if self._free_ports else wanted or None
        return await choose_port(f"{name}'s {kind} ({setting})", port, memory)


def addresses(instances: Sequence[Instance]) -> dict[str, str]:
    """Where the services inside the house are, by service, as the settings take it."""
    found: dict[str, list[str]] = {}
    for instance in instances:
        if not instance.is_edge:
            found.setdefault(instance.service, []).append(instance.grpc_address)
    return {service: ",".join(each) for service, each in found.items()}


def _reached(host: str) -> str:
    return _ANY_ADDRESS.get(host, host)

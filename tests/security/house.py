"""The whole of Spojka for the attacks: every service a process, and partners with secrets to lose.

Everything that must never be seen again is planted here, as a `Canary`.
"""

import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from sandbox.banks import Street
from sandbox.banks import running as open_street
from sandbox.shops import EdgeClient
from sandbox.shops.edge import connected
from spojka.migrations import role_password
from spojka.service import registered_services
from spojka.settings import Settings
from spojka.up import Installation, UpOptions, running
from tests.conftest import ROLE_SECRET
from tests.empty_database import empty_database

METRICS_PORT: Final = 1
"""Any port but 0 asks for metrics; which ports they get is left to chance."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret, and what it is."""

    name: str
    secret: str


@dataclass(slots=True)
class House:
    """A running installation, the banks around it, and the secrets that it was given."""

    installation: Installation
    street: Street
    admin: EdgeClient
    canaries: list[Canary] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """The settings in force; the database's URL is the superuser's."""
        return self.installation.settings

    @property
    def database_url(self) -> str:
        """Where the superuser reads."""
        assert self.settings.database_url is not None
        return self.settings.database_url.get_secret_value()

    @property
    def edge_port(self) -> int:
        """The public gRPC port."""
        return self.installation.edge.grpc_port

    def plant(self, name: str) -> str:
        """A new secret that must never be seen again."""
        secret = f"{secrets.token_hex(12)}&+{secrets.token_hex(4)}"
        self.canaries.append(Canary(name, secret))
        return secret

    def logs(self) -> Iterator[tuple[str, bytes]]:
        """What every process has logged until now, by its name."""
        for path in sorted((self.settings.data_dir / "logs").glob("*.log")):
            yield path.stem, path.read_bytes()

    def pids(self) -> dict[str, int]:
        """Every service's process."""
        found = {
            each.name: self.installation.status_of(each.name).pid
            for each in self.installation.instances
        }
        return {name: pid for name, pid in found.items() if pid is not None}


@asynccontextmanager
async def running_house(postgres_url: str, bootstrap: str, folder: Path) -> AsyncIterator[House]:
    """Run everything on the tests' servers for the time of a block."""
    canaries = [
        Canary("internal token", f"internal-{secrets.token_hex(16)}"),
        Canary("sealing key", base64.b64encode(secrets.token_bytes(32)).decode()),
        *(
            Canary(f"password of {name}", role_password(ROLE_SECRET, f"spojka_{name}"))
            for name in registered_services()
        ),
    ]
    async with AsyncExitStack() as stack:
        url = stack.enter_context(empty_database(postgres_url))
        street = await stack.enter_async_context(open_street("127.0.0.1", 0))
        settings = Settings(
            database_url=SecretStr(url),
            kafka_bootstrap=bootstrap,
            # The roles belong to the server: all tests give them the same passwords.
            role_secret=SecretStr(ROLE_SECRET),
            internal_token=SecretStr(canaries[0].secret),
            sealing_keys=SecretStr(f"canary:{canaries[1].secret}"),
            topic_prefix=f"s{secrets.token_hex(4)}",
            stock_partitions=1,
            orders_partitions=1,
            payments_partitions=1,
            data_dir=folder / "data",
            metrics_port=METRICS_PORT,
            allow_private_targets=True,
            dns_servers=street.dns_server,
        )
        options = UpOptions(settings=settings, free_ports=True)
        installation = await stack.enter_async_context(running(options))
        assert installation.admin_key is not None
        canaries.append(Canary("admin key", installation.admin_key.split("_", 2)[2]))
        edge = installation.edge.grpc_address
        for bank in street.banks.values():
            bank.courier.port = installation.settings.smtp_port
        admin = await stack.enter_async_context(connected(edge, installation.admin_key))
        yield House(installation, street, admin, canaries)

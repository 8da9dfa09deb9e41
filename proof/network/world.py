"""Everything together: switches, brokers, PostgreSQL, two hosts, and a merchant's partners."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from pydantic import SecretStr

from proof.network import brokers, hosts, postgres
from proof.network.brokers import Broker, Cluster
from proof.network.lan import Lan, Port, Switch
from sandbox.banks import running as open_street
from sandbox.banks.street import ADDRESSES
from sandbox.shops import EdgeClient
from sandbox.shops.edge import connected
from spojka.servers.kafka_program import Installation as KafkaPrograms
from spojka.settings import Settings
from spojka.supervisor import Supervisor
from tests.faults.story import Story
from tests.faults.system import RESTARTS, System, start_warehouse, trading_merchant

FRONT: Final = Switch("front", "10.77.0")
"""Where services, PostgreSQL and all partners are."""
BUS: Final = Switch("bus", "10.78.0")
"""Where the brokers are, and each host with a second port."""
OWN: Final = 1
"""The number of this process, which plays all partners, on both switches."""
POSTGRES: Final = "postgres"
POSTGRES_NUMBER: Final = 2


@dataclass(frozen=True, slots=True)
class World:
    """What scenarios break, and what is judged afterwards."""

    lan: Lan
    cluster: Cluster
    system: System
    edges: Mapping[str, EdgeClient]
    """The edge of each host alone, called with the key of the merchant's people."""
    random: Random
    seed: int

    def on_bus(self, host: str) -> Port:
        """A host's port to the brokers."""
        return self.lan.ports[host, BUS.name]

    def on_front(self, host: str) -> Port:
        """A host's port to services, PostgreSQL and partners."""
        return self.lan.ports[host, FRONT.name]

    def broker_port(self, broker: Broker) -> Port:
        """A broker's only port."""
        return self.on_bus(broker.port.host)


@asynccontextmanager
async def running(folder: Path, programs: KafkaPrograms, seed: int) -> AsyncIterator[World]:
    """Run everything below a folder for the time of a block."""
    story, lan = Story(), Lan()
    banks = tuple(int(address.rpartition(".")[2]) for address in ADDRESSES)
    await lan.lay(FRONT, (OWN, *banks))
    await lan.lay(BUS, (OWN,))
    await hosts.plugged_in(lan, [FRONT, BUS])
    await lan.add_host(POSTGRES)
    database_port = await lan.plug(POSTGRES, FRONT, POSTGRES_NUMBER)
    (folder / "data" / "ports").mkdir(parents=True)
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(story.changed, RESTARTS))
        database, database_url = await postgres.placed(database_port, folder)
        await supervisor.start([database])
        cluster = await brokers.laid_out(lan, BUS, programs, folder, story)
        stack.push_async_callback(cluster.stop)
        await cluster.start()
        street = await stack.enter_async_context(open_street("", 0, host=FRONT.address(OWN)))
        settings = Settings(
            database_url=SecretStr(database_url),
            kafka_bootstrap=cluster.bootstrap,
            topic_replication=brokers.BROKERS,
            data_dir=folder / "data",
            allow_private_targets=True,
            stock_partitions=3,
            orders_partitions=3,
            payments_partitions=2,
            dns_servers=street.dns_server,
            public_url=f"http://{FRONT.address(hosts.HOSTS['host-a'])}:8080",
            automatic_payments_per_hour=10_000,
        )
        services = await stack.enter_async_context(Supervisor(story.changed, RESTARTS))
        installation = await hosts.started(settings, FRONT, services, story)
        url = await start_warehouse(installation, FRONT.address(OWN))
        system = await stack.enter_async_context(
            trading_merchant(installation, street, url, story, folder / "crash")
        )
        edges = {
            hosts.host_of(instance): await stack.enter_async_context(
                connected(instance.grpc_address, system.office.edge.key)
            )
            for instance in installation.instances
            if instance.is_edge
        }
        random = Random(f"network {seed}")
        yield World(lan, cluster, system, edges, random, seed)

"""Two hosts with one instance of every service each, as an operator runs them."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from proof.network.lan import Lan, Switch, on
from spojka.probe import grpc_lacks, http_lacks
from spojka.service import Service, registered_services
from spojka.settings import Settings
from spojka.supervisor import Child, Probe, Supervisor
from spojka.up import Installation
from spojka.up.admin_key import admin_key
from spojka.up.environment import environment
from spojka.up.house_secrets import with_secrets
from spojka.up.instances import EDGE, MAIL, Instance, addresses
from spojka.up.preparation import create_topics, migrate_all
from tests.faults.story import Story

HOSTS: Final[Mapping[str, int]] = {"host-a": 31, "host-b": 32}
"""The hosts by their numbers on each switch."""


async def plugged_in(lan: Lan, switches: Sequence[Switch]) -> None:
    """Add the hosts, each plugged into all switches."""
    for host, number in HOSTS.items():
        await lan.add_host(host)
        for switch in switches:
            await lan.plug(host, switch, number)


async def started(
    settings: Settings, front: Switch, supervisor: Supervisor, story: Story
) -> Installation:
    """Prepare database, topics and the first key, then start every service on both hosts.

    `settings` name PostgreSQL and Kafka; the services listen on the front switch.
    """
    services = registered_services()
    settings = with_secrets(settings, settings.data_dir)
    await migrate_all(settings, list(services.values()))
    await create_topics(settings, list(services.values()))
    key = await admin_key(settings, services, settings.data_dir, story)
    instances = [
        _instance(host, front.address(number), service)
        for host, number in HOSTS.items()
        for service in services.values()
    ]
    children = [_child(settings, instance, addresses(instances)) for instance in instances]
    await asyncio.gather(*(supervisor.start([child]) for child in children))
    installation = Installation(settings, instances, {}, key, supervisor)
    await installation.until_ready()
    return installation


def host_of(instance: Instance) -> str:
    """The host that an instance runs on."""
    return instance.name.partition(" on ")[2]


def _instance(host: str, address: str, service: Service) -> Instance:
    defaults = Settings.model_construct()
    is_edge = service.name == EDGE
    return Instance(
        name=f"{service.name} on {host}",
        service=service.name,
        host=address,
        grpc_port=defaults.edge_grpc_port if is_edge else service.default_port,
        http_port=defaults.edge_http_port if is_edge else 0,
        smtp_port=defaults.smtp_port if service.name == MAIL else 0,
        metrics_port=0,
    )


def _child(settings: Settings, instance: Instance, where: Mapping[str, str]) -> Child:
    host = host_of(instance)
    own = dict.fromkeys(("service_host", "edge_host", "smtp_host"), instance.host)
    return Child(
        name=instance.name,
        argv=on(host, sys.executable, "-m", "spojka", "serve", instance.service),
        env=environment(settings.model_copy(update=own), instance, where),
        log_path=settings.data_dir / "logs" / f"{instance.service}.{host}.log",
        ready=_probe(instance),
    )


def _probe(instance: Instance) -> Probe:
    if instance.is_edge:
        return lambda: http_lacks(f"{instance.http_url}/health")
    return lambda: grpc_lacks(instance.grpc_address)

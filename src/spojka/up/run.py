"""The composition of `spojka up`: servers, schemas, topics, the first key, every service."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from spojka.probe import grpc_lacks, http_lacks
from spojka.service import Service, registered_services
from spojka.settings import Settings
from spojka.supervisor import Child, ChildStatus, Probe, RestartPolicy, Supervisor, locked
from spojka.up.admin_key import admin_key
from spojka.up.environment import environment, leave_environment
from spojka.up.errors import UpError
from spojka.up.house_secrets import with_secrets
from spojka.up.installation import Installation
from spojka.up.instances import Instance, Places, addresses
from spojka.up.preparation import create_topics, migrate_all
from spojka.up.report import Report, Silence
from spojka.up.servers import public_form, with_servers
from spojka.up.status_file import Status, remove_status, write_status

DOORS_STOP_GROUP: Final = 10
SERVICES_STOP_GROUP: Final = 20
"""The edge and the mail door stop before the services; all before Kafka and PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What to run.

    `settings` says where and with what. `instances` is how many of a service
    (one, where it names none). `free_ports` takes any free ports in place of
    those of the settings. `variables` are added to the environment of every
    service, `variables_of` to that of one service's processes, or of one process
    by its name. `policy` is how processes that end are started again.
    """

    settings: Settings
    instances: Mapping[str, int] = field(default_factory=dict)
    free_ports: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    variables_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    policy: RestartPolicy | None = None
    report: Report = field(default_factory=Silence)


@asynccontextmanager
async def running(options: UpOptions) -> AsyncIterator[Installation]:
    """Run Spojka for the time of a block; when it begins, everything serves.

    Raises one of FAILURES where it can't be run as asked.
    """
    data_dir = options.settings.data_dir.absolute()
    settings = options.settings.model_copy(update={"data_dir": data_dir})
    services = registered_services()
    news = _News(data_dir, options.report)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UpError(
            f"The data directory {data_dir} can't be made ({error.strerror}). "
            "Name another one by SPOJKA_DATA_DIR."
        ) from error
    with locked(data_dir):
        try:
            async with Supervisor(news.changed, options.policy) as supervisor:
                news.supervisor = supervisor
                installation = await _started(settings, services, options, supervisor, news)
                yield installation
        finally:
            remove_status(data_dir)


async def _started(
    settings: Settings,
    services: Mapping[str, Service],
    options: UpOptions,
    supervisor: Supervisor,
    news: "_News",
) -> Installation:
    report, data_dir = options.report, settings.data_dir
    places = Places(settings, services, data_dir / "ports", free_ports=options.free_ports)
    instances = await places.of(options.instances)
    if settings.database_url is not None and settings.role_secret is None:
        report.warn(
            "SPOJKA_DATABASE_URL is set without SPOJKA_ROLE_SECRET: the services' roles get "
            f"passwords from the secret in {data_dir}; another machine that uses this database "
            "must be given the same one."
        )
    settings = with_secrets(settings, data_dir)
    settings = await with_servers(settings, data_dir, supervisor, report)
    applied = await migrate_all(settings, list(services.values()))
    report.tell(f"The database is up to date ({len(applied)} migrations applied now)")
    await create_topics(settings, list(services.values()))
    report.tell("The topics are there")
    key = await admin_key(settings, services, data_dir, report)
    settings = _in_force(settings, instances)
    leave_environment(settings)
    news.listening = _listening(settings, instances)
    children = [_child(settings, instance, instances, options) for instance in instances]
    # All at once: the edge waits for the services by itself. Only the stop is in order.
    await asyncio.gather(*(supervisor.start([child]) for child in children))
    installation = Installation(settings, instances, news.listening, key, supervisor)
    if any(instance.is_edge for instance in instances):
        report.tell("Waiting until the edge reaches everything behind it")
        await installation.until_ready()
    return installation


def _in_force(settings: Settings, instances: Sequence[Instance]) -> Settings:
    found: dict[str, object] = {
        f"{service}_address": where
        for service, where in addresses(instances).items()
        if f"{service}_address" in Settings.model_fields
    }
    edges = [instance for instance in instances if instance.is_edge]
    if edges:
        found |= {"edge_grpc_port": edges[0].grpc_port, "edge_http_port": edges[0].http_port}
        if "public_url" not in settings.model_fields_set:
            found["public_url"] = edges[0].http_url
    for instance in instances[::-1]:
        if instance.smtp_port:
            found["smtp_port"] = instance.smtp_port
    return settings.model_copy(update=found)


def _child(
    settings: Settings,
    instance: Instance,
    instances: Sequence[Instance],
    options: UpOptions,
) -> Child:
    named = options.variables_of
    own = {**named.get(instance.service, {}), **named.get(instance.name, {})}
    return Child(
        name=instance.name,
        argv=(sys.executable, "-m", "spojka", "serve", instance.service),
        env=environment(settings, instance, addresses(instances)) | {**options.variables, **own},
        log_path=settings.data_dir / "logs" / f"{instance.name}.log",
        ready=_probe(instance),
        stop_group=DOORS_STOP_GROUP if instance.is_door else SERVICES_STOP_GROUP,
    )


def _probe(instance: Instance) -> Probe:
    # The edge lives while a service behind it is away: it is not restarted for that.
    if instance.is_edge:
        return lambda: http_lacks(f"{instance.http_url}/health")
    return lambda: grpc_lacks(instance.grpc_address)


def _listening(settings: Settings, instances: Sequence[Instance]) -> dict[str, str]:
    assert settings.database_url is not None
    found = {
        "PostgreSQL": public_form(settings.database_url.get_secret_value()),
        "Kafka": settings.required_bootstrap(),
    }
    for instance in instances:
        found[instance.name] = f"grpc {instance.grpc_address}"
        if instance.http_port:
            found[instance.name] += f", {instance.http_url}"
        if instance.smtp_port:
            found[instance.name] += f", smtp {settings.smtp_host}:{instance.smtp_port}"
        if instance.metrics_port:
            found[instance.name] += f", metrics on port {instance.metrics_port}"
    return found


class _News:
    """Hands changes of state to the report, and keeps the status file."""

    def __init__(self, data_dir: Path, report: Report) -> None:
        self.supervisor: Supervisor | None = None
        self.listening: Mapping[str, str] = {}
        self._data_dir = data_dir
        self._report = report

    def changed(self, status: ChildStatus) -> None:
        self._report.changed(status)
        if self.supervisor is not None:
            write_status(
                self._data_dir, Status(os.getpid(), self.listening, self.supervisor.statuses())
            )

"""`spojka events …`."""

import asyncio
import json
from contextlib import aclosing
from enum import StrEnum
from typing import Annotated

import typer

from spojka.cli.errors import said
from spojka.cli.local import local_settings
from spojka.delivery.kafka_config import KafkaConfig, kafka_config
from spojka.delivery.tail import SeenEvent, tail
from spojka.errors import RequestError
from spojka.settings import SettingsError
from spojka.topics import Topic

app = typer.Typer(help="The event bus.", no_args_is_help=True, add_completion=False)


class TopicName(StrEnum):
    """The topics as people name them."""

    STOCK = "stock"
    IMPORTS = "imports"
    ORDERS = "orders"
    NOTIFICATIONS = "notifications"
    PAYMENTS = "payments"


@app.callback()
def events() -> None:
    """Follow what the services tell each other."""


@app.command("tail")
def tail_events(
    topic: Annotated[
        list[TopicName] | None, typer.Option(help="Only this topic; repeatable.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Only events of the tenant with this id.")] = "",
    count: Annotated[int, typer.Option(min=0, help="End after so many; 0: never.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print new events as they are told, until Ctrl-C."""
    with said(SettingsError, RequestError):
        settings = local_settings()
        names = topic or list(TopicName)
        topics = [Topic[name.name].full_name(settings.topic_prefix) for name in names]
        asyncio.run(
            _follow(kafka_config(settings, "spojka-events-tail"), topics, tenant, count, as_json)
        )


async def _follow(
    kafka: KafkaConfig, topics: list[str], tenant: str, count: int, as_json: bool
) -> None:
    seen = 0
    following = tail(kafka, topics)
    async with aclosing(following):
        async for event in following:
            if tenant and not event.key.startswith(f"{tenant}/"):
                continue
            typer.echo(_json_line(event) if as_json else _line(event))
            seen += 1
            if seen == count:
                return


def _line(event: SeenEvent) -> str:
    name = event.type.rpartition(".")[2]
    return f"{event.time:%H:%M:%S.%f} {name} {event.key} {event.json or ''}".rstrip()


def _json_line(event: SeenEvent) -> str:
    return json.dumps(
        {
            "time": event.time.isoformat(),
            "topic": event.topic,
            "partition": event.partition,
            "offset": event.offset,
            "id": event.id,
            "type": event.type,
            "key": event.key,
            "traceparent": event.traceparent,
            "value": None if event.json is None else json.loads(event.json),
        },
        ensure_ascii=False,
    )

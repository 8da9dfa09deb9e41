"""Everything that a running house has said and kept, to be searched for secrets."""

import base64
import html
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, quote_plus

import httpx
import psycopg
from confluent_kafka import Consumer, TopicPartition
from psycopg import sql

from tests.security.house import Canary, House

Said = Iterator[tuple[str, bytes]]
"""Where something was said, and its bytes."""
POLL_SECONDS: Final = 10.0
MESSAGES_MAX: Final = 100_000


def forms_of(secret: str) -> Iterator[bytes]:
    """A secret as it is, and as it is written in URLs, markup, JSON, hex and Base64."""
    yield from {
        form.encode()
        for form in (
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            html.escape(secret),
            json.dumps(secret)[1:-1],
            secret.encode().hex(),
        )
    }
    for before in range(3):
        # Within something longer the edges depend on the neighbours: whole groups of three don't.
        inner = secret.encode()[before:]
        whole = base64.b64encode(inner[: len(inner) // 3 * 3])
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


def found(canaries: list[Canary], said: Said) -> list[str]:
    """Which secrets were found where."""
    forms = [(canary.name, form) for canary in canaries for form in forms_of(canary.secret)]
    return [
        f"{name} in {place}: …{data[max(0, data.find(form) - 200) : data.find(form) + 10]!r}…"
        for place, data in said
        for name, form in forms
        if form in data
    ]


def tables(house: House) -> Said:
    """Every row of every table of the database, and every text of its catalogue's comments."""
    with psycopg.connect(house.database_url) as connection:
        names = connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert len(names) > 50
        for schema, table in names:
            # A query, since what is partitioned can't be copied as a table.
            copy = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(
                sql.Identifier(schema, table)
            )
            with connection.cursor().copy(copy) as rows:
                raw = b"".join(bytes(row) for row in rows)
            yield f"table {schema}.{table}", _readable(raw)


def _readable(raw: bytes) -> bytes:
    """The rows as they are, and once more with what is bytes to PostgreSQL as bytes."""
    columns = (column for line in raw.splitlines() for column in line.split(b"\t"))
    decoded = (
        bytes.fromhex(column[3:].decode())
        for column in columns
        if column.startswith(rb"\\x") and len(column) % 2
    )
    return raw.replace(rb"\\", b"\\") + b"\n" + b"\n".join(decoded)


def topics(house: House) -> Said:
    """Every message of every topic from the first on, with its key and headers."""
    prefix = house.settings.topic_prefix
    consumer = Consumer({
        "bootstrap.servers": house.settings.required_bootstrap(),
        "group.id": f"{prefix}-searching",
        "enable.auto.commit": False,
        "isolation.level": "read_uncommitted",
        "enable.partition.eof": True,
    })  # fmt: skip
    try:
        places = [
            TopicPartition(name, number, 0)
            for name, topic in consumer.list_topics(timeout=POLL_SECONDS).topics.items()
            if name.startswith(f"{prefix}.")
            for number in topic.partitions
        ]
        consumer.assign(places)
        unread = len(places)
        for _ in range(MESSAGES_MAX):
            message = consumer.poll(POLL_SECONDS)
            assert message is not None, "Kafka did not answer"
            if message.error():
                unread -= 1  # the end of a partition
                if not unread:
                    return
                continue
            yield f"topic {message.topic()}", _whole(message)
    finally:
        consumer.close()


def _whole(message: Any) -> bytes:
    headers = b" ".join(
        name.encode() + b"=" + (value or b"") for name, value in message.headers() or ()
    )
    return b" ".join((message.key() or b"", headers, message.value() or b""))


def metrics(house: House) -> Said:
    """What every process shows to whoever watches it."""
    with httpx.Client(trust_env=False) as client:
        for instance in house.installation.instances:
            for page in ("metrics", "health"):
                url = f"http://127.0.0.1:{instance.metrics_port}/{page}"
                yield f"{instance.name}'s /{page}", client.get(url).content
        edge = house.installation.edge.http_url
        for page in ("health", "ready"):
            yield f"the edge's /{page}", client.get(f"{edge}/{page}").content

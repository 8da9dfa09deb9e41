"""The last resort does what Spojka asks of a broker, as far as it goes."""

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from spojka.servers import noida
from spojka.servers.noida import NoidaBroker
from spojka.servers.server import ServerError, serving

WITHIN_S = 15.0


def _broker(home: Path) -> NoidaBroker:
    return NoidaBroker(data=home / "stand-in", log_path=home / "stand-in.log")


def _consume_one(bootstrap: str) -> tuple[bytes | None, object]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "readers",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": 6000,
            "partition.assignment.strategy": "cooperative-sticky",
        }
    )
    consumer.subscribe(["levels"])
    try:
        message = consumer.poll(WITHIN_S)
        assert message is not None
        assert message.error() is None
        return message.value(), message.headers()
    finally:
        consumer.close()


async def test_commits_and_aborts_transactions_and_keeps_data_over_a_restart(home: Path) -> None:
    broker = _broker(home)
    async with serving(broker):
        topic = NewTopic("levels", 1, 1, config={"cleanup.policy": "compact"})
        admin = AdminClient({"bootstrap.servers": broker.url})
        admin.create_topics([topic])["levels"].result(WITHIN_S)
        producer = Producer({"bootstrap.servers": broker.url, "transactional.id": "lane-1"})
        producer.init_transactions(WITHIN_S)
        producer.begin_transaction()
        producer.produce("levels", key=b"k", value=b"aborted", headers={"ce_id": b"0"})
        producer.flush(WITHIN_S)
        producer.abort_transaction(WITHIN_S)
        producer.begin_transaction()
        producer.produce("levels", key=b"k", value=b"committed", headers={"ce_id": b"1"})
        producer.commit_transaction(WITHIN_S)
    again = _broker(home)
    async with serving(again):
        assert again.url == broker.url
        assert _consume_one(again.url) == (b"committed", [("ce_id", b"1")])


async def test_refuses_a_version_that_was_not_tried(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noida, "VERSION", "0.0.1")
    with pytest.raises(ServerError, match=r"Install noida-db==0\.0\.1"):
        await _broker(home).prepare()

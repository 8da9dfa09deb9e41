"""A plain idempotent producer whose caller waits for each acknowledgement."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from spojka.delivery.headers import Headers
from spojka.delivery.kafka_config import KafkaConfig, producer_config
from spojka.errors import Unavailable

DELIVERY_TIMEOUT_MS: Final = 30_000
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Record:
    """One message for Kafka; its key decides the partition."""

    topic: str
    key: str | bytes | None
    value: bytes | None
    headers: Headers


class AcknowledgedProducer:
    """Sends single records: dead letters and replays, which are few."""

    def __init__(self, config: KafkaConfig) -> None:
        """Remember the configuration; the client is made with the first record."""
        self._config = {
            **producer_config(config),
            "delivery.timeout.ms": DELIVERY_TIMEOUT_MS,
            # What was sent to a leader that fell silent goes to the next one in the time left.
            "socket.timeout.ms": DELIVERY_TIMEOUT_MS // 3,
            "queue.buffering.max.messages": 10_000,
        }
        self._client: Producer | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    async def send(self, record: Record) -> None:
        """Send one record and wait until every needed replica has it.

        Raises Unavailable when that did not come within DELIVERY_TIMEOUT_MS:
        it may have been written or not, so send it again.
        """
        loop = asyncio.get_running_loop()
        acknowledged: asyncio.Future[None] = loop.create_future()

        def on_delivery(error: KafkaError | None, _message: Message) -> None:
            loop.call_soon_threadsafe(_settle, acknowledged, error)

        try:
            self._opened().produce(
                record.topic,
                record.value,
                record.key,
                headers=record.headers,
                on_delivery=on_delivery,
            )
        except (BufferError, KafkaException) as error:
            raise Unavailable(f"{record.topic}: {error}") from error
        await acknowledged

    async def close(self) -> None:
        """Stop the client; records not yet acknowledged are given up."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _opened(self) -> Producer:
        if self._client is None:
            self._client = Producer(self._config)
            self._thread = threading.Thread(
                target=self._poll, args=(self._client,), name="acknowledgements", daemon=True
            )
            self._thread.start()
        return self._client

    def _poll(self, client: Producer) -> None:
        while not self._stopping.is_set():
            client.poll(_POLL_SECONDS)
        client.purge()
        client.poll(0.0)


def _settle(acknowledged: asyncio.Future[None], error: KafkaError | None) -> None:
    if acknowledged.done():
        return
    if error is None:
        acknowledged.set_result(None)
    else:
        acknowledged.set_exception(Unavailable(f"Kafka did not take the record: {error}"))

"""A transactional producer: one batch, one Kafka transaction, one flush."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from spojka.delivery.kafka_config import KafkaConfig, producer_config

TRANSACTION_TIMEOUT_MS: Final = 15_000
"""Longest that a transaction stays open. A reader waits that long behind a producer that died."""

INIT_TIMEOUT_SECONDS: Final = 15.0
_NO_WAIT_SECONDS: Final = 0.0


Write = Callable[[Producer], None]
"""Hands a batch's messages to the client, in their order."""


class FencedError(Exception):
    """Another producer took over this transactional id: stop being the holder."""


class BatchAbortedError(Exception):
    """The batch was taken back as a whole: send it again."""


class ProducerBrokenError(Exception):
    """It is unknown whether the batch was published: open a new producer, then look."""


class TransactionalProducer:
    """One Kafka producer with a transactional id, on a thread of its own.

    `open` fences every earlier producer of the same id and ends what it left
    open. A cancelled caller does not stop what the thread has begun: treat the
    producer as broken then.
    """

    def __init__(self, config: KafkaConfig, transactional_id: str) -> None:
        """Remember the configuration; no client is made yet."""
        self._config = {
            **producer_config(config),
            "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            # What was sent to a leader that fell silent goes to the next one in the time left.
            "socket.timeout.ms": TRANSACTION_TIMEOUT_MS * 2 // 3,
            # The commit sends at once what still waits; a long batch goes in fewer requests.
            "linger.ms": 20,
        }
        self._client: Producer | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=transactional_id)

    async def open(self) -> None:
        """Take over the transactional id. Raises ProducerBrokenError when Kafka does not answer."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def send_batch(self, write: Write) -> None:
        """Publish what `write` hands over, all or none. `write` runs on the producer's thread.

        Returns when Kafka has committed it. Raises FencedError,
        BatchAbortedError or ProducerBrokenError.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._send, write)

    def close(self) -> None:
        """Let the client go after what its thread is doing; does not wait for it."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _open(self) -> None:
        try:
            self._client = Producer(self._config)
            self._client.init_transactions(INIT_TIMEOUT_SECONDS)
        except KafkaException as error:
            raise _broken(error) from error

    def _send(self, write: Write) -> None:
        client = self._client
        assert client is not None, "open the producer first"
        try:
            client.begin_transaction()
            write(client)
            client.commit_transaction(TRANSACTION_TIMEOUT_MS / 1000)
            client.poll(_NO_WAIT_SECONDS)  # log lines of the client
        except BufferError as error:
            self._abort(client, error)
        except KafkaException as error:
            if not _requires_abort(error):
                raise _broken(error) from error
            self._abort(client, error)

    def _abort(self, client: Producer, cause: Exception) -> None:
        try:
            client.abort_transaction(TRANSACTION_TIMEOUT_MS / 1000)
        except KafkaException as error:
            raise _broken(error) from cause
        raise BatchAbortedError(str(cause)) from cause

    def _close(self) -> None:
        # Not Producer.close(): it would wait for a broker that is away to abort what is open.
        # The next holder of the id, or its time-out, does that.
        if self._client is not None:
            self._client.purge()
            self._client = None


def _requires_abort(error: KafkaException) -> bool:
    problem = error.args[0]
    # A full local queue or a message that is too large fails in produce(), before any commit.
    return isinstance(problem, KafkaError) and (
        problem.txn_requires_abort()
        or problem.code() in {KafkaError._QUEUE_FULL, KafkaError.MSG_SIZE_TOO_LARGE}  # noqa: SLF001
    )


_FENCED: Final = frozenset(
    {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001
)


def _broken(error: KafkaException) -> FencedError | ProducerBrokenError:
    problem = error.args[0]
    if isinstance(problem, KafkaError) and problem.code() in _FENCED:
        return FencedError(str(problem))
    return ProducerBrokenError(str(problem))

"""What a reader that comes new to a topic hears: the last word on each subject. Blocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from spojka.delivery import headers as names
from spojka.delivery import reader
from spojka.delivery.decode import headers_of
from spojka.delivery.kafka_config import KafkaConfig
from spojka.errors import NotFound
from spojka.verification.model import GONE, State, Telling, version_of

FAULTS_KEPT_MAX: Final = 1_000
BATCH_MESSAGES: Final = 1_000


class Place(NamedTuple):
    """Where an event stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.topic}[{self.partition}] at {self.offset}"


class Hearer(Protocol):
    """Takes events one by one."""

    def hear(self, place: Place, type_: str, key: str, value: bytes | None) -> None:
        """Take one event; what does not concern it is passed over."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What must not be in a topic, wherever the database stands."""

    subject: str
    stored: str
    rebuilt: str
    meaning: str


@dataclass(slots=True)
class Heard:
    """What one telling's events said so far.

    `last` is the newest state of each subject, GONE after a tombstone. Of the
    subjects in `watched`, `newly` has every state that was heard since.
    """

    telling: Telling
    last: dict[str, State] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    newly: dict[str, set[State]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    events: int = 0

    def hear(self, place: Place, type_: str, key: str, value: bytes | None) -> None:
        """Take one event; what is not its telling's is passed over."""
        try:
            told = self.telling.heard(type_, key, value)
        except ValueError as error:
            self._note(
                Fault(key, str(error), "an event that can be read", f"{place}: readers stop")
            )
            return
        if told is None:
            return
        subject, state = told
        self.events += 1
        before = self.last.get(subject, GONE)
        self.last[subject] = state
        if subject in self.watched:
            self.newly.setdefault(subject, set()).add(state)
        if before and self.telling.once:
            again = f"{place}: it was told of before; who adds up has it twice"
            self._note(Fault(subject, "told again", "told once", again))
        elif before and state and version_of(state) <= version_of(before):
            back = f"{place}: readers that believe the last word go back"
            said = f"version {version_of(state)} after {version_of(before)}"
            self._note(Fault(subject, said, "a higher version each time", back))

    def _note(self, fault: Fault) -> None:
        if len(self.faults) < FAULTS_KEPT_MAX:
            self.faults.append(fault)


class Ear:
    """Reads one topic from its beginning, and later goes on where it stopped.

    It belongs to no consumer group and commits nothing.
    """

    def __init__(self, config: KafkaConfig, topic: str, heard: Sequence[Hearer]) -> None:
        """Hand every event of the topic to each of `heard`."""
        self.topic = topic
        self.complete = True
        """Whether the topic still has all that was ever written to it."""
        self._config = config
        self._heard = heard
        self._next: dict[int, int] = {}

    def listen(self) -> None:
        """Read to the end. Raises Unavailable, NotFound where the topic is missing."""
        with reader.opened(self._config) as consumer:
            known = consumer.list_topics(self.topic, timeout=reader.ANSWER_TIMEOUT_SECONDS)
            topic = known.topics[self.topic]
            if topic.error is not None:
                raise NotFound(f"the topic {self.topic} is not there: nothing can be compared")
            starts: dict[int, int] = {}
            for partition in topic.partitions:
                low, high = reader.bounds(consumer, self.topic, partition)
                self.complete &= low == 0
                start = max(low, self._next.get(partition, low))
                if start < high:
                    starts[partition] = start
            for message in _messages(consumer, self.topic, starts):
                self._take(message)

    def _take(self, message: Message) -> None:
        partition, offset = message.partition() or 0, message.offset() or 0
        self._next[partition] = offset + 1
        headers = headers_of(message)
        key = (message.key() or b"").decode("utf-8", "replace")
        place = Place(self.topic, partition, offset)
        for heard in self._heard:
            heard.hear(place, headers.get(names.TYPE, ""), key, message.value())


def _messages(consumer: Consumer, topic: str, starts: Mapping[int, int]) -> Iterator[Message]:
    """Read committed messages of all partitions side by side, each to the end it has then."""
    consumer.assign([TopicPartition(topic, *start) for start in starts.items()])
    left = set(starts)
    while left:
        first = consumer.poll(reader.ANSWER_TIMEOUT_SECONDS)
        if first is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
        for message in (first, *consumer.consume(BATCH_MESSAGES, timeout=0)):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                left.discard(message.partition() or 0)
            elif not error.retriable():
                raise KafkaException(error)

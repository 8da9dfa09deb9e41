"""What a service offers to `spojka verify`: its own state, derived anew from its own facts.

A service registers a `Verification` as an entry point of the group
`spojka.verifications`, under its name. The package that keeps the tenants
registers a `TenantDirectory` in the group `spojka.tenants`, under the name of
its schema.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import entry_points
from typing import Final, Protocol, TypeVar
from uuid import UUID

from google.protobuf.message import DecodeError, Message

from spojka.outbox import Event
from spojka.settings import Settings
from spojka.topics import Topic
from spojka.verification.snapshot import Snapshot

VERIFICATIONS: Final = "spojka.verifications"
TENANTS: Final = "spojka.tenants"

_DIGEST_BYTES: Final = 16
_VERSION_BYTES: Final = 8

State = bytes
"""A version and the digest of a content, as they are compared; empty where nothing stands."""

GONE: Final[State] = b""

Word = tuple[str, ...]
"""What was said of a subject, as texts that are compared one by one."""

MessageT = TypeVar("MessageT", bound=Message)


def state_of(version: int, content: bytes) -> State:
    """The state of a subject at a version."""
    digest = blake2b(content, digest_size=_DIGEST_BYTES).digest()
    return version.to_bytes(_VERSION_BYTES) + digest


def told(kind: type[MessageT], value: bytes | None) -> MessageT:
    """Read what a topic says. Raises ValueError where it is no such message."""
    try:
        return kind.FromString(value or b"")
    except DecodeError as error:
        raise ValueError(f"{kind.DESCRIPTOR.full_name} can't be parsed: {error}") from error


def content_of(state: State) -> bytes:
    """The digest of a state's content; empty where nothing stands."""
    return state[_VERSION_BYTES:]


def version_of(state: State) -> int:
    """The version of a state; 0 where nothing stands."""
    return int.from_bytes(state[:_VERSION_BYTES])


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the facts give it. `meaning` says what follows, for people."""

    what: str
    id: str
    field: str
    stored: str
    rebuilt: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Checked:
    """So many more things of a kind were looked at."""

    what: str
    count: int


Finding = Difference | Checked


class Telling(Protocol):
    """One kind of subject that a service tells of on a topic."""

    @property
    def what(self) -> str:
        """What a subject is, such as "item", in the singular."""

    @property
    def topic(self) -> Topic:
        """Where it is told."""

    @property
    def once(self) -> bool:
        """Whether each subject is told of once; else each telling has a higher version."""

    @property
    def exact(self) -> bool:
        """Whether the last version told is the one stated; else it may be lower.

        A version may be lower where some changes are not told of, and are left
        out of the content that is compared.
        """

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """The subject (its key, and more where one key has several) and state that an event tells.

        None for other kinds of event. Raises ValueError for one that can't be read.
        """

    def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Each subject of a tenant with the state that must have been told last.

        A subject that nothing is to be told of is left out.
        """


class Retelling(Protocol):
    """What a service would say now of each subject that it told of: others took it from a topic."""

    @property
    def topic(self) -> Topic:
        """Where it is told."""

    def events(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Event]:
        """Each subject's event as its newest revision has it, in bounded batches."""


class Taking(Protocol):
    """What a service took of another one's topic, and keeps with the revision that it took."""

    @property
    def what(self) -> str:
        """What a subject is, such as "order", in the singular."""

    @property
    def topic(self) -> Topic:
        """Where it heard of it."""

    @property
    def group(self) -> str:
        """The consumer group that takes it, without the prefix."""

    @property
    def revision_field(self) -> str:
        """What the revision is called that the service took last."""

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, int, Word] | None:
        """The subject (the event's key), revision and word that an event tells.

        None for other kinds of event. Raises ValueError for one that can't be read.
        """

    def taken(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, int, Word]]:
        """Each subject of a tenant, the revision it took last (0: none), and what it keeps."""

    def passes_over(self, kept: Word, said: Word) -> bool:
        """Whether `said` binds the service to nothing, as the subject stands."""

    def differing(self, kept: Word, said: Word | None) -> Iterator[tuple[str, str, str]]:
        """The name of each field that is not as it was said, with what is kept and what was said.

        With None nothing was said yet.
        """


class Verification(Protocol):
    """How one service verifies itself. It reads its own schema alone and changes nothing."""

    @property
    def service(self) -> str:
        """The name of the service, and of its schema."""

    def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Derive one tenant's state anew from its facts, in bounded batches."""

    def tellings(self, settings: Settings) -> Sequence[Telling]:
        """What the service tells on its topics, and by the settings still knows of."""

    @property
    def retellings(self) -> Sequence[Retelling]:
        """What other services take of its topics, and it can tell again."""

    @property
    def takings(self) -> Sequence[Taking]:
        """What it took of other services' topics."""


class TenantDirectory(Protocol):
    """Knows every tenant of the installation."""

    async def __call__(self, snapshot: Snapshot) -> Mapping[str, UUID]:
        """The ids of all tenants by name, read from the schema of the one who registered it."""


def registered_verifications() -> dict[str, Verification]:
    """All verifications by service."""
    return {entry.name: entry.load() for entry in sorted(entry_points(group=VERIFICATIONS))}


def registered_directory() -> tuple[str, TenantDirectory]:
    """The schema that knows the tenants, and its directory. Raises LookupError without one."""
    for entry in entry_points(group=TENANTS):
        return entry.name, entry.load()
    raise LookupError(f"no package registers the entry point {TENANTS!r}: install Spojka again")

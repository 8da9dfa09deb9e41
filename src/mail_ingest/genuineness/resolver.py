"""DNS for the checks: asynchronous, bounded, and honest about what it does not know.

A name that is not there and a server that does not answer are two things: the
first settles a check, the second only postpones it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

ANSWER_BYTES_MAX: Final = 8 * 1024
ANSWER_RECORDS_MAX: Final = 100
CACHE_ENTRIES_MAX: Final = 4_000
CACHE_SECONDS_MAX: Final = 3_600.0
ABSENT_SECONDS_MAX: Final = 300.0
PARALLEL_LOOKUPS_MAX: Final = 64


class TemporaryFailure(Exception):
    """DNS gave no answer, neither yes nor no: ask again later."""


class RecordKind(StrEnum):
    """The kinds of record that the checks ask for."""

    TXT = "TXT"
    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    PTR = "PTR"


@dataclass(frozen=True, slots=True)
class MailServer:
    """One MX record."""

    preference: int
    host: str


Record = bytes | str | MailServer
"""TXT as its joined bytes, A, AAAA and PTR as text, MX as a MailServer."""


class Resolver:
    """Answers from DNS servers, kept as long as they say (CACHE_SECONDS_MAX at most)."""

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        *,
        timeout_seconds: float = 2.0,
        lifetime_seconds: float = 6.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask these servers (IP address and port); none means the system's.

        One server is waited for `timeout_seconds`, all of them together
        `lifetime_seconds`.
        """
        self._dns = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            self._dns.nameservers = [
                dns.nameserver.Do53Nameserver(address, port) for address, port in servers
            ]
        self._dns.timeout = timeout_seconds
        self._dns.lifetime = lifetime_seconds
        self._dns.cache = None
        self._clock = clock
        self._cache: OrderedDict[tuple[str, RecordKind], tuple[float, tuple[Record, ...]]]
        self._cache = OrderedDict()
        self._lookups = asyncio.Semaphore(PARALLEL_LOOKUPS_MAX)

    async def text(self, name: str) -> tuple[bytes, ...]:
        """Return the TXT records of a name, each joined. Raises TemporaryFailure."""
        records = await self.lookup(name, RecordKind.TXT)
        return tuple(record for record in records if isinstance(record, bytes))

    async def lookup(self, name: str, kind: RecordKind) -> tuple[Record, ...]:
        """Return the records of a name; none when it has none or is no name at all.

        CNAMEs are followed. Raises TemporaryFailure for a time-out, SERVFAIL
        and answers that can't be read.
        """
        key = (name.rstrip(".").lower(), kind)
        kept = self._cache.get(key)
        if kept is not None and kept[0] > self._clock():
            self._cache.move_to_end(key)
            return kept[1]
        async with self._lookups:
            seconds, records = await self._ask(*key)
        self._cache[key] = (self._clock() + seconds, records)
        self._cache.move_to_end(key)
        while len(self._cache) > CACHE_ENTRIES_MAX:
            self._cache.popitem(last=False)
        return records

    async def _ask(self, name: str, kind: RecordKind) -> tuple[float, tuple[Record, ...]]:
        try:
            absolute = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError, ValueError):
            return ABSENT_SECONDS_MAX, ()
        try:
            answer = await self._dns.resolve(absolute, kind.value, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return ABSENT_SECONDS_MAX, ()
        except dns.resolver.YXDOMAIN:
            return ABSENT_SECONDS_MAX, ()
        except (dns.exception.Timeout, dns.resolver.NoNameservers) as error:
            raise TemporaryFailure(f"no answer about {name} ({kind.value})") from error
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            raise TemporaryFailure(
                f"no readable answer about {name} ({kind.value}): {type(error).__name__}"
            ) from error
        if answer.rrset is None:
            return ABSENT_SECONDS_MAX, ()
        records = tuple(_record(kind, data) for data in answer.rrset)
        if len(records) > ANSWER_RECORDS_MAX or _size(records) > ANSWER_BYTES_MAX:
            # Longer than anything honest: as good as none, and no food for the cache.
            return ABSENT_SECONDS_MAX, ()
        return min(float(answer.rrset.ttl), CACHE_SECONDS_MAX), records


def _record(kind: RecordKind, data: object) -> Record:
    match kind:
        case RecordKind.TXT:
            return b"".join(data.strings)  # type: ignore[attr-defined]  # dnspython types by kind
        case RecordKind.A | RecordKind.AAAA:
            return str(data.address)  # type: ignore[attr-defined]
        case RecordKind.MX:
            return MailServer(data.preference, data.exchange.to_text(omit_final_dot=True))  # type: ignore[attr-defined]
        case RecordKind.PTR:
            return str(data.target.to_text(omit_final_dot=True))  # type: ignore[attr-defined]


def _size(records: tuple[Record, ...]) -> int:
    return sum(
        len(record.host) if isinstance(record, MailServer) else len(record) for record in records
    )

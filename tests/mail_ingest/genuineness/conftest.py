"""A zone with Fio's records and a resolver that asks it."""

from collections.abc import AsyncIterator

import pytest

from mail_ingest.genuineness.resolver import Resolver
from tests.mail_ingest.genuineness.bench import Bench
from tests.mail_ingest.genuineness.signing import BANK_IP, rsa_key
from tests.mail_ingest.zone import Zone, bank_zone, serving


@pytest.fixture
async def zone() -> Zone:
    return bank_zone({"s1._domainkey.fio.cz": rsa_key().record}, {"fio.cz": [BANK_IP]})


@pytest.fixture
async def resolver(zone: Zone) -> AsyncIterator[Resolver]:
    async with serving(zone) as server:
        yield Resolver([server], timeout_seconds=0.2, lifetime_seconds=0.4)


@pytest.fixture
async def bench(zone: Zone, resolver: Resolver) -> Bench:
    return Bench(zone, resolver)

"""The name server of the stand-ins, asked over the network."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver
import pytest

from sandbox.banks import Trouble, Zone
from sandbox.banks.dns_server import HOST, free_port, serving
from tests.sandbox.banks.letters import street_with_accounts


@dataclass(frozen=True)
class Asker:
    """A client of one name server. Raises what dnspython raises."""

    port: int

    async def ask(self, name: str, kind: str, *, tcp: bool = False) -> list[str]:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(HOST, self.port)]
        resolver.timeout = resolver.lifetime = 0.5
        answer = await resolver.resolve(name, kind, tcp=tcp)
        return [each.to_text() for each in answer]


@pytest.fixture
def zone() -> Zone:
    return street_with_accounts().zone


@pytest.fixture
async def asker(zone: Zone) -> AsyncIterator[Asker]:
    port = free_port()
    async with serving(zone, port):
        yield Asker(port)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_it_says_where_each_banks_mail_comes_from(asker: Asker, tcp: bool) -> None:
    assert await asker.ask("fio.cz", "TXT", tcp=tcp) == ['"v=spf1 ip4:127.0.0.11 -all"']
    assert await asker.ask("csob.cz", "TXT", tcp=tcp) == ['"v=spf1 ip4:127.0.0.12 -all"']
    assert await asker.ask("tatrabanka.sk", "MX", tcp=tcp) == ["10 mx-out.tatrabanka.sk."]
    assert await asker.ask("mx-out.tatrabanka.sk", "A", tcp=tcp) == ["127.0.0.13"]
    assert await asker.ask("_dmarc.FIO.cz", "TXT", tcp=tcp) == ['"v=DMARC1; p=reject"']


async def test_a_key_longer_than_one_string_comes_whole(asker: Asker) -> None:
    (key,) = await asker.ask("mta._domainkey.tatrabanka.sk", "TXT")
    assert key.startswith('"v=DKIM1; k=rsa; p=')
    assert key.count('" "') == 1


async def test_what_does_not_fit_a_datagram_is_asked_for_by_tcp(zone: Zone, asker: Asker) -> None:
    zone.put_text("large.example", "x" * 3000)
    (text,) = await asker.ask("large.example", "TXT")
    assert text.count("x") == 3000


async def test_a_name_that_is_not_there_is_told_from_one_without_such_a_record(
    asker: Asker,
) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        await asker.ask("_dmarc.tatrabanka.sk", "TXT")
    for name in ("mx-out.fio.cz", "_domainkey.csob.cz"):
        with pytest.raises(dns.resolver.NoAnswer):
            await asker.ask(name, "TXT")


@pytest.mark.parametrize(
    ("trouble", "seen"),
    [
        (Trouble.SILENT, dns.exception.Timeout),
        (Trouble.SERVFAIL, dns.resolver.NoNameservers),
    ],
)
async def test_it_fails_for_a_domain_and_all_below_until_it_recovers(
    zone: Zone, asker: Asker, trouble: Trouble, seen: type[Exception]
) -> None:
    zone.break_down("fio.cz", trouble)
    for name in ("fio.cz", "_dmarc.fio.cz"):
        with pytest.raises(seen):
            await asker.ask(name, "TXT")
    assert await asker.ask("csob.cz", "TXT")
    zone.recover()
    assert await asker.ask("fio.cz", "TXT")


async def test_what_is_no_question_gets_no_answer(zone: Zone) -> None:
    assert zone.answer(b"", 512) is None
    assert zone.answer(b"\x00" * 12, 512) is None

"""A DNS server of the tests' own: answers from a table over UDP and TCP, or fails on purpose."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

UDP_BYTES_MAX = 1_232


@dataclass
class Zone:
    """Names and what is said of them; changed while the server runs."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    ttl_seconds: int = 60
    silent: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    def txt(self, name: str, *texts: str) -> None:
        """Say these TXT records, each cut into the strings that TXT is made of."""
        self.records[name, "TXT"] = [
            " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text) or 1, 255))
            for text in texts
        ]

    def add(self, kind: str, name: str, *values: str) -> None:
        """Say these records of another kind."""
        self.records[name, kind] = list(values)

    def answer(self, wire: bytes, size_max: int) -> bytes | None:
        """Answer one question; None where the server stays silent."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked[name] += 1
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values := self.records.get((name, kind)):
            response.answer.append(
                dns.rrset.from_text(question.name, self.ttl_seconds, "IN", kind, *values)
            )
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        full = response.to_wire(max_size=65_535)
        if len(full) <= size_max:
            return full
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._zone.answer(data, UDP_BYTES_MAX)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


@asynccontextmanager
async def serving(zone: Zone) -> AsyncIterator[tuple[str, int]]:
    """Serve a zone on a free port of the loopback; yields (address, port)."""

    async def serve_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            size = int.from_bytes(await reader.readexactly(2), "big")
            reply = zone.answer(await reader.readexactly(size), 65_535)
            if reply is not None:
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve_stream, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(zone), local_addr=("127.0.0.1", port)
    )
    try:
        yield "127.0.0.1", port
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


def bank_zone(keys: Mapping[str, str], ips: Mapping[str, Sequence[str]]) -> Zone:
    """A zone of banks: SPF of each domain by its addresses, keys by their record names."""
    zone = Zone()
    for domain, addresses in ips.items():
        zone.txt(domain, "v=spf1 " + " ".join(f"ip4:{each}" for each in addresses) + " -all")
        zone.txt(f"_dmarc.{domain}", "v=DMARC1; p=reject")
    for name, record in keys.items():
        zone.txt(name, record)
    return zone

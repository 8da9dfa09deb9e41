"""What DNS says of the stand-ins, and how it may fail: answers to questions, no network."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

TTL_SECONDS: Final = 60
TXT_STRING_BYTES_MAX: Final = 255
WIRE_BYTES_MAX: Final = 65_535


class Trouble(StrEnum):
    """How a name server fails."""

    SILENT = "silent"
    """It does not answer at all."""
    SERVFAIL = "servfail"
    """It answers that it can't."""


class Zone:
    """Names and what is said of them; may be changed while it is served."""

    def __init__(self) -> None:
        """Say nothing yet of anything."""
        self._records: dict[tuple[str, str], list[str]] = {}
        self._troubles: dict[str, Trouble] = {}

    def put(self, kind: str, name: str, *values: str) -> None:
        """Say these records of a name, in the form in which zone files have them."""
        self._records[name.lower(), kind] = list(values)

    def put_text(self, name: str, text: str) -> None:
        """Say one TXT record, cut into the strings that it is made of."""
        starts = range(0, max(len(text), 1), TXT_STRING_BYTES_MAX)
        self.put(
            "TXT", name, " ".join(f'"{text[at : at + TXT_STRING_BYTES_MAX]}"' for at in starts)
        )

    def break_down(self, domain: str, trouble: Trouble) -> None:
        """Fail for a domain and all below it."""
        self._troubles[domain.lower()] = trouble

    def recover(self) -> None:
        """Answer again for every domain."""
        self._troubles.clear()

    @property
    def troubles(self) -> dict[str, Trouble]:
        """What fails now, by domain."""
        return dict(self._troubles)

    def answer(self, wire: bytes, bytes_max: int) -> bytes | None:
        """Answer one question within a size; None where the server stays silent."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if not query.question:
            return None
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        trouble = self._trouble_of(name)
        if trouble is Trouble.SILENT:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        values = self._records.get((name, dns.rdatatype.to_text(question.rdtype)), [])
        if trouble is Trouble.SERVFAIL:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            response.answer.append(
                dns.rrset.from_text(question.name, TTL_SECONDS, "IN", question.rdtype, *values)
            )
        elif not self._exists(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return _within(response, bytes_max)

    def _exists(self, name: str) -> bool:
        """Whether there is a record of the name or below it; else it is no name at all."""
        return any(known == name or known.endswith(f".{name}") for known, _ in self._records)

    def _trouble_of(self, name: str) -> Trouble | None:
        for domain, trouble in self._troubles.items():
            if name == domain or name.endswith(f".{domain}"):
                return trouble
        return None


def mail_domain(
    zone: Zone, domain: str, *, host: str, addresses: Sequence[str], dmarc: str | None
) -> None:
    """Say that a domain's mail comes from `host` at these addresses, and from nowhere else."""
    zone.put("MX", domain, f"10 {host}.")
    zone.put("A", host, *addresses)
    zone.put_text(domain, f"v=spf1 {' '.join(f'ip4:{each}' for each in addresses)} -all")
    if dmarc is not None:
        zone.put_text(f"_dmarc.{domain}", f"v=DMARC1; p={dmarc}")


def _within(response: dns.message.Message, bytes_max: int) -> bytes:
    full = response.to_wire(max_size=WIRE_BYTES_MAX)
    if len(full) <= bytes_max:
        return full
    # The client asks again by TCP.
    response.answer.clear()
    response.flags |= dns.flags.TC
    return response.to_wire()

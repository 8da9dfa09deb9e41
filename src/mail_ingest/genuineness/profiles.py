"""What each bank's mail proves, from `senders.toml`: data, not code."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mail_ingest.genuineness.addresses import Sender, within
from mail_ingest.genuineness.signature import Quality

_WORTHS = {"ok": Quality.OK, "weak": Quality.WEAK}
_KEYS = frozenset({"name", "from", "signers", "signature", "confirmed", "masked"})


@dataclass(frozen=True, slots=True)
class Profile:
    """One bank: who sends for it, who signs for it, and how well it is known."""

    bank: str
    name: str
    addresses: frozenset[str]
    signers: tuple[str, ...]
    least_signature: Quality
    confirmed: bool
    masked: bool

    def sends(self, sender: Sender) -> bool:
        """Whether the bank sends from this address."""
        return sender.address in self.addresses

    @property
    def domains(self) -> frozenset[str]:
        """The domains of its addresses."""
        return frozenset(address.rpartition("@")[2] for address in self.addresses)


@dataclass(frozen=True, slots=True)
class Profiles:
    """All banks that are known, and the forwarders that may vouch."""

    by_bank: dict[str, Profile]
    sealers: tuple[str, ...]

    def of_sender(self, sender: Sender) -> Profile | None:
        """Return the bank that sends from this address, if one does."""
        return next((each for each in self.by_bank.values() if each.sends(sender)), None)

    def imitated_by(self, sender: Sender) -> Profile | None:
        """Return the bank whose domain this sender's only looks like, if there is one.

        `fio.cz.notices.example` and `fio-cz.example` look like it; `mail.fio.cz`
        is below it and does not imitate.
        """
        return next(
            (
                profile
                for profile in self.by_bank.values()
                for domain in profile.domains
                if not within(sender.domain, domain) and _holds(sender.domain, domain)
            ),
            None,
        )


@cache
def known_profiles() -> Profiles:
    """Load the banks that come with the program."""
    return parse_profiles(files("mail_ingest.genuineness").joinpath("senders.toml").read_text())


def parse_profiles(text: str) -> Profiles:
    """Read profiles from TOML. Raises ValueError that names what is wrong."""
    loaded = tomllib.loads(text)
    sealers = tuple(str(each).lower() for each in loaded.pop("sealers", ()))
    return Profiles({bank: _profile(bank, table) for bank, table in loaded.items()}, sealers)


def _profile(bank: str, table: dict[str, Any]) -> Profile:
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise ValueError(f"{bank}: unknown keys {', '.join(unknown)}")
    worth = table.get("signature", "ok")
    if worth not in _WORTHS:
        raise ValueError(f"{bank}: signature wants one of {', '.join(_WORTHS)}")
    return Profile(
        bank=bank,
        name=str(table["name"]),
        addresses=frozenset(str(each).lower() for each in table["from"]),
        signers=tuple(str(each).lower() for each in table["signers"]),
        least_signature=_WORTHS[worth],
        confirmed=bool(table.get("confirmed", True)),
        masked=bool(table.get("masked", False)),
    )


def _holds(domain: str, imitated: str) -> bool:
    words = r"[.-]".join(re.escape(label) for label in imitated.split("."))
    return re.search(rf"(?:\A|[.-]){words}(?:[.-]|\Z)", domain) is not None

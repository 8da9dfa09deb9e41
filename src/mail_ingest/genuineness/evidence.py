"""What was found out about a mail's sender, kept so that it can be judged again without DNS.

The JSON has a short form (`spf`, `dkim`, `dkim_d`, …: one signature, no details)
and the long one that is stored (`signatures`: each with all that is known). What
is absent counts as not proven.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar

from mail_ingest.genuineness.addresses import domain_of
from mail_ingest.genuineness.results import NO_CHAIN, ArcCheck, DmarcResult, SpfResult
from mail_ingest.genuineness.signature import Signature, Verified

SIGNATURES_MAX: Final = 20
TEXTS_MAX: Final = 500
TEXT_LENGTH_MAX: Final = 4_000

KEYS: Final = frozenset({
    "client_ip", "helo", "mail_from", "forwarded", "spf", "spf_domain", "spf_reason", "spf_aligned",
    "dkim", "dkim_d", "dkim_a", "dkim_key_bits", "dkim_l", "dkim_h", "signatures",
    "dmarc", "dmarc_policy", "dmarc_reason", "arc", "smime", "notes",
    "simulated", "assumed", "bank_identity", "note",
})  # fmt: skip
"""Every key that is understood; the last four only describe and decide nothing."""

_SHORT_DKIM: Final = {
    "pass": Verified.PASS,
    "fail": Verified.FAIL,
    "neutral": Verified.FAIL,
    "policy": Verified.FAIL,
    "permerror": Verified.FAIL,
    "temperror": Verified.TEMPERROR,
}
_SHORTER: Final = "shorter than the body"

Value = TypeVar("Value")


class EvidenceError(ValueError):
    """The JSON is no evidence; the message names the key and what it wants."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The findings of transport and verifier. The defaults prove nothing."""

    client_ip: str = ""
    helo: str = ""
    mail_from: str = ""
    forwarded: bool = False
    spf: SpfResult = SpfResult.NONE
    spf_domain: str = ""
    spf_reason: str = ""
    spf_aligned: bool = False
    signatures: tuple[Signature, ...] = ()
    dmarc: DmarcResult | None = None
    dmarc_policy: str = ""
    dmarc_reason: str = ""
    arc: ArcCheck = NO_CHAIN
    smime: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Write it in the long form, with the first signature in the short one's keys, too."""
        first = next(
            (each for each in self.signatures if each.verified is Verified.PASS),
            next(iter(self.signatures), None),
        )
        return {
            "client_ip": self.client_ip,
            "helo": self.helo,
            "mail_from": self.mail_from,
            "forwarded": self.forwarded,
            "spf": self.spf.value,
            "spf_domain": self.spf_domain,
            "spf_reason": self.spf_reason,
            "spf_aligned": self.spf_aligned,
            "dkim": first.verified.value if first else "none",
            "dkim_d": first.domain if first else None,
            "signatures": [_signature_json(each) for each in self.signatures],
            "dmarc": self.dmarc.value if self.dmarc else None,
            "dmarc_policy": self.dmarc_policy,
            "dmarc_reason": self.dmarc_reason,
            "arc": str(self.arc),
            "smime": self.smime,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, loaded: object) -> "Evidence":
        """Read either form. Raises EvidenceError."""
        if not isinstance(loaded, Mapping):
            raise EvidenceError("evidence wants a JSON object")
        unknown = sorted(str(key) for key in set(loaded) - KEYS)
        if unknown:
            raise EvidenceError(
                f"evidence has unknown keys: {', '.join(unknown)}; known are "
                f"{', '.join(sorted(KEYS))}"
            )
        read = _Reader(loaded)
        mail_from = read.text("mail_from")
        return cls(
            client_ip=read.text("client_ip"),
            helo=read.text("helo"),
            mail_from=mail_from,
            forwarded=read.flag("forwarded"),
            spf=read.one_of("spf", {each.value: each for each in SpfResult}) or SpfResult.NONE,
            spf_domain=(
                read.text("spf_domain") if "spf_domain" in loaded else domain_of(mail_from)
            ).lower(),
            spf_reason=read.text("spf_reason"),
            spf_aligned=read.flag("spf_aligned"),
            signatures=read.signatures(),
            dmarc=read.one_of("dmarc", {each.value: each for each in DmarcResult}),
            dmarc_policy=read.text("dmarc_policy"),
            dmarc_reason=read.text("dmarc_reason"),
            arc=read.arc(),
            smime=read.text("smime"),
            notes=read.texts("notes"),
        )


def _signature_json(signature: Signature) -> dict[str, object]:
    written = asdict(signature)
    written["verified"] = signature.verified.value
    written["signed"] = None if signature.signed is None else list(signature.signed)
    return written


class _Reader:
    """Reads values out of the JSON and refuses what is of another type."""

    def __init__(self, loaded: Mapping[str, Any], place: str = "evidence") -> None:
        self._loaded = loaded
        self._place = place

    def text(self, key: str) -> str:
        value = self._typed(key, str, "text")
        if value is not None and len(value) > TEXT_LENGTH_MAX:
            raise self._error(key, f"at most {TEXT_LENGTH_MAX} characters")
        return value or ""

    def flag(self, key: str) -> bool:
        return bool(self._typed(key, bool, "true or false"))

    def number(self, key: str) -> int | None:
        value = self._typed(key, int, "a whole number")
        if isinstance(value, bool) or (value is not None and value < 0):
            raise self._error(key, "a whole number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._typed(key, list, "a list of texts") or []
        if len(value) > TEXTS_MAX or not all(isinstance(each, str) for each in value):
            raise self._error(key, f"a list of at most {TEXTS_MAX} texts")
        return tuple(value)

    def one_of(self, key: str, known: Mapping[str, Value]) -> Value | None:
        value = self.text(key).lower()
        if not value:
            return None
        if value not in known:
            raise self._error(key, f"one of {', '.join(known)}")
        return known[value]

    def arc(self) -> ArcCheck:
        value = self.text("arc")
        try:
            return ArcCheck.parse(value) if value else NO_CHAIN
        except ValueError as error:
            raise EvidenceError(f"{self._place}: arc {error}") from error

    def signatures(self) -> tuple[Signature, ...]:
        if "signatures" not in self._loaded:
            return self._short_signature()
        value = self._typed("signatures", list, "a list") or []
        if len(value) > SIGNATURES_MAX:
            raise self._error("signatures", f"at most {SIGNATURES_MAX} signatures")
        return tuple(_long_signature(each, place) for place, each in enumerate(value))

    def _short_signature(self) -> tuple[Signature, ...]:
        verified = self.one_of("dkim", {**_SHORT_DKIM, "none": None})
        if verified is None:
            return ()
        length = self._loaded.get("dkim_l")
        shorter = length == _SHORTER
        covered = self.text("dkim_h")
        return (
            Signature(
                domain=self.text("dkim_d").lower(),
                verified=verified,
                algorithm=self.text("dkim_a").lower(),
                key_bits=self.number("dkim_key_bits"),
                signed=_names(covered) if covered else None,
                length=0 if shorter else self.number("dkim_l"),
                appended=shorter,
            ),
        )

    def _typed(self, key: str, kind: type[Value], wanted: str) -> Value | None:
        value = self._loaded.get(key)
        if value is not None and not isinstance(value, kind):
            raise self._error(key, wanted)
        return value

    def _error(self, key: str, wanted: str) -> EvidenceError:
        return EvidenceError(f"{self._place}: {key} wants {wanted}")


def _long_signature(loaded: object, place: int) -> Signature:
    where = f"evidence: signatures[{place}]"
    if not isinstance(loaded, Mapping):
        raise EvidenceError(f"{where} wants an object")
    unknown = sorted(str(key) for key in set(loaded) - {each.name for each in fields(Signature)})
    if unknown:
        raise EvidenceError(f"{where} has unknown keys: {', '.join(unknown)}")
    read = _Reader(loaded, where)
    return Signature(
        domain=read.text("domain").lower(),
        verified=read.one_of("verified", {each.value: each for each in Verified}) or Verified.FAIL,
        selector=read.text("selector"),
        algorithm=read.text("algorithm").lower(),
        key_bits=read.number("key_bits"),
        signed=None if loaded.get("signed") is None else read.texts("signed"),
        length=read.number("length"),
        appended=read.flag("appended"),
        sign_time=read.number("sign_time"),
        expire_time=read.number("expire_time"),
        reason=read.text("reason"),
    )


def _names(covered: str) -> tuple[str, ...]:
    return tuple(name.partition("(")[0].strip().lower() for name in covered.split(":"))

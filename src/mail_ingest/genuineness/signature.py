"""A DKIM signature as facts, and how much such facts are worth: pure.

"It verifies" is not enough: a signature may leave out the headers that say how
the body is shown, cover only the body's beginning, or be made with what is
broken today. The conditions are the bank sheet's §9.3.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from mail_ingest.message.headers import Header

ALGORITHMS: Final = ("rsa-sha256", "ed25519-sha256")
RSA_BITS_MIN: Final = 1024
RSA_BITS_NOTED: Final = 2048
AGE_MAX: Final = timedelta(days=7)
CLOCK_LEEWAY: Final = timedelta(minutes=10)

CRITICAL_HEADERS: Final = (
    "From",
    "Subject",
    "Date",
    "To",
    "Content-Type",
    "MIME-Version",
    "Content-Transfer-Encoding",
)
"""What a signature must cover where it is present: each decides what is read or shown."""


class Verified(StrEnum):
    """What the check of the signature itself said."""

    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    TEMPERROR = "temperror"


class Quality(StrEnum):
    """What a signature is worth."""

    OK = "ok"
    WEAK = "weak"
    FAIL = "fail"
    TEMPERROR = "temperror"


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature: what it says and whether it verified.

    `signed` is None where it is not known. `length` is its l=, in bytes;
    `appended` says that the body is longer than that.
    """

    domain: str
    verified: Verified
    selector: str = ""
    algorithm: str = ""
    key_bits: int | None = None
    signed: tuple[str, ...] | None = None
    length: int | None = None
    appended: bool = False
    sign_time: int | None = None
    expire_time: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rating:
    """A signature's worth and the reasons, each a half-sentence."""

    quality: Quality
    reasons: tuple[str, ...] = ()


def rate(signature: Signature, headers: Sequence[Header], receive_time: datetime) -> Rating:
    """Say what a signature is worth on this mail."""
    if signature.verified is Verified.TEMPERROR:
        return Rating(Quality.TEMPERROR, (signature.reason or "its key could not be fetched",))
    failures = _failures(signature)
    if failures:
        return Rating(Quality.FAIL, failures)
    weaknesses = (
        *_weak_form(signature),
        *_uncovered(signature, headers),
        *_weak_time(signature, receive_time),
    )
    return Rating(Quality.WEAK if weaknesses else Quality.OK, weaknesses)


def notes(signature: Signature) -> tuple[str, ...]:
    """What is worth knowing of a signature without lowering its worth."""
    if (
        signature.algorithm.startswith("rsa")
        and signature.key_bits
        and signature.key_bits < RSA_BITS_NOTED
    ):
        return (f"the key of {signature.domain} has only {signature.key_bits} bits",)
    return ()


def _failures(signature: Signature) -> tuple[str, ...]:
    found = []
    if signature.verified is not Verified.PASS:
        found.append(signature.reason or "it does not verify")
    if signature.appended:
        found.append("something was appended behind the part of the body that it covers (l=)")
    if signature.signed is not None and "from" not in signature.signed:
        found.append("it does not cover From")
    if (
        signature.algorithm.startswith("rsa")
        and signature.key_bits is not None
        and signature.key_bits < RSA_BITS_MIN
    ):
        found.append(f"its key has only {signature.key_bits} bits")
    return tuple(found)


def _weak_form(signature: Signature) -> tuple[str, ...]:
    found = []
    if signature.algorithm not in ALGORITHMS:
        found.append(f"its algorithm is {signature.algorithm or 'not known'}")
    elif signature.algorithm.startswith("rsa") and signature.key_bits is None:
        found.append("the length of its key is not known")
    if signature.length is not None:
        found.append("it covers the body only up to a length (l=)")
    return tuple(found)


def _uncovered(signature: Signature, headers: Sequence[Header]) -> tuple[str, ...]:
    if signature.signed is None:
        return ("it is not known which headers it covers",)
    counts = Counter(header.key for header in headers)
    missing = [
        name
        for name in CRITICAL_HEADERS
        if counts[name.lower()] and name.lower() not in signature.signed
    ]
    repeated = [name for name in CRITICAL_HEADERS if counts[name.lower()] > 1]
    return tuple(
        text
        for names, text in (
            (missing, f"it does not cover {', '.join(missing)}"),
            (repeated, f"{', '.join(repeated)} is there more than once"),
        )
        if names
    )


def _weak_time(signature: Signature, receive_time: datetime) -> tuple[str, ...]:
    received = receive_time.astimezone(UTC).timestamp()
    leeway = CLOCK_LEEWAY.total_seconds()
    found = []
    if signature.expire_time is not None and signature.expire_time < received:
        found.append("it has expired (x=)")
    if signature.sign_time is not None and signature.sign_time > received + leeway:
        found.append("it was made in the future (t=)")
    if signature.sign_time is not None and signature.sign_time < received - AGE_MAX.total_seconds():
        found.append(f"it is older than {AGE_MAX.days} days (t=)")
    return tuple(found)

"""ARC (RFC 8617): what a forwarder says of the mail before it touched it.

Anybody can seal, so a chain is looked at only when one of the listed sealers
made its newest seal, and it can raise a mail from rejected to weak, no further.
"""

import re
from collections.abc import Sequence
from typing import Final

import dkim  # type: ignore[import-untyped]

from mail_ingest.genuineness.addresses import within
from mail_ingest.genuineness.claims import Malformed, host, parse_tags
from mail_ingest.genuineness.dkim import has_blank_runs, is_safe_key
from mail_ingest.genuineness.resolver import Resolver, TemporaryFailure
from mail_ingest.genuineness.results import NO_CHAIN, ArcCheck
from mail_ingest.message.headers import Header, values

INSTANCES_MAX: Final = 5
RESULTS_BYTES_MAX: Final = 4_096

_COMMENT = re.compile(r"\([^()]*\)")
_INSTANCE = re.compile(r"\s*i\s*=\s*(\d{1,2})\s*;(.*)", re.DOTALL)
_SPF = re.compile(r"\s*spf\s*=\s*pass\b.*?\bsmtp\.mailfrom\s*=\s*\"?(?:[^\s@;\"]*@)?([\w.-]+)")
_DKIM = re.compile(r"\s*dkim\s*=\s*pass\b.*?\bheader\.(?:d\s*=\s*|i\s*=\s*[^\s@;]*@)([\w.-]+)")


async def check_arc(
    raw: bytes, headers: Sequence[Header], sealers: Sequence[str], resolver: Resolver
) -> ArcCheck:
    """Verify the chain if a listed sealer made its newest seal; otherwise there is none."""
    seals = values(headers, "ARC-Seal")
    if not seals or len(seals) > INSTANCES_MAX:
        return NO_CHAIN
    try:
        tags = [
            parse_tags(value)
            for name in ("ARC-Seal", "ARC-Message-Signature")
            for value in values(headers, name)
        ]
        newest = max(tags[: len(seals)], key=lambda each: int(each[b"i"]))
        sealer = host(newest[b"d"])
        if not _listed(sealer, sealers):
            return ArcCheck("none", sealer)
        keys = await _keys([(host(each[b"s"]), host(each[b"d"])) for each in tags], resolver)
    except TemporaryFailure:
        return ArcCheck("temperror")
    except (Malformed, KeyError, ValueError):
        return ArcCheck("fail")
    if has_blank_runs(raw) or not _chain_verifies(raw, keys):
        return ArcCheck("fail", sealer)
    return _seen(headers, tags[: len(seals)], sealer, sealers)


async def _keys(names: Sequence[tuple[str, str]], resolver: Resolver) -> dict[bytes, bytes]:
    keys = {}
    for selector, domain in names:
        records = await resolver.text(f"{selector}._domainkey.{domain}")
        if len(records) == 1 and is_safe_key(records[0]):
            keys[f"{selector}._domainkey.{domain}".encode()] = records[0]
    return keys


def _chain_verifies(raw: bytes, keys: dict[bytes, bytes]) -> bool:
    def key(name: bytes, timeout: float) -> bytes | None:  # noqa: ARG001 - dkimpy's signature
        return keys.get(name.rstrip(b".").lower())

    try:
        result, _sets, _reason = dkim.ARC(raw).verify(dnsfunc=key)
    except Exception:  # noqa: BLE001 - whatever trips dkimpy is no valid chain
        return False
    return bool(result == dkim.CV_Pass)


def _seen(
    headers: Sequence[Header],
    seals: Sequence[object],
    sealer: str,
    sealers: Sequence[str],
) -> ArcCheck:
    """What the listed sealers' results say passed, the oldest (nearest to the sender) first."""
    makers = {int(seal[b"i"]): host(seal[b"d"]) for seal in seals}  # type: ignore[index]
    results: dict[int, str] = {}
    for value in values(headers, "ARC-Authentication-Results"):
        match = _INSTANCE.fullmatch(value[:RESULTS_BYTES_MAX].decode("ascii", "replace"))
        if match:
            results[int(match.group(1))] = match.group(2)
    for instance in sorted(results):
        if not _listed(makers.get(instance, ""), sealers):
            continue
        for part in _COMMENT.sub(" ", results[instance]).split(";"):
            for method, pattern in (("spf", _SPF), ("dkim", _DKIM)):
                if found := pattern.match(part):
                    domain = found.group(1).lower()
                    return ArcCheck("pass", sealer, instance, method, domain)
    return ArcCheck("pass", sealer)


def _listed(domain: str, sealers: Sequence[str]) -> bool:
    return any(within(domain, sealer) for sealer in sealers)

"""What the mail side answers offline: `spojka inspect mail`."""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from spojka.inspection import InspectError

if TYPE_CHECKING:
    from mail_ingest.banks.reading import Movement
    from mail_ingest.genuineness.evidence import Evidence
    from mail_ingest.genuineness.verify import Transport
    from mail_ingest.judging import Outcome
    from mail_ingest.message.headers import Header

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The mail.")]
MAIL_BYTES_MAX: Final = 4 * 1024 * 1024
EVIDENCE_BYTES_MAX: Final = 1024 * 1024
DNS_SETTING: Final = "SPOJKA_DNS_SERVERS"
CENT: Final = Decimal("0.01")

_FROM_HOST = re.compile(r"from\s+([^\s(;]{1,255})")
_CLIENT_IP = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]")


def inspect_mail(
    file: File,
    *,
    evidence: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="What transport and verifier found, as JSON; without it DNS is asked now.",
        ),
    ] = None,
    own_account: Annotated[
        list[str] | None,
        typer.Option(help="An own account of the connection; none: they are not compared."),
    ] = None,
    mailbox: Annotated[
        list[str] | None,
        typer.Option(help="A confirmed address that mail may be forwarded from by hand."),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(help="The account's currency, for banks that print none; else the bank's."),
    ] = None,
) -> Mapping[str, object]:
    """Judge a bank's mail: is it genuine, what does it tell of, and what may be done with it.

    Client address, HELO and envelope are taken from the topmost Received and
    Return-Path headers.
    """
    from mail_ingest.judging import ConnectionView, judge_mail
    from mail_ingest.message.headers import MessageError, split

    raw = _bytes(file, MAIL_BYTES_MAX)
    try:
        headers, _body = split(raw)
    except MessageError as error:
        raise InspectError(f"{file}: {error}") from error
    accounts = _accounts(own_account or [])
    found = (
        _evidence(evidence)
        if evidence
        else asyncio.run(_gathered(raw, _transport(headers), _dns_servers()))
    )
    outcome = judge_mail(
        raw,
        found,
        ConnectionView(accounts or None, currency, tuple(mailbox or ())),
        _receive_time(headers),
    )
    answer = _answer(outcome, compared=bool(accounts))
    if evidence is None:
        answer["evidence"] = found.to_json()
    return answer


def _answer(outcome: "Outcome", *, compared: bool) -> dict[str, object]:
    findings = list(outcome.judgement.findings)
    if not compared:
        findings.append("The own account was not compared: no --own-account is given.")
    answer: dict[str, object] = {
        "bank": outcome.bank,
        "kind": outcome.kind,
        "trust": outcome.judgement.trust.value,
        "action": outcome.judgement.action.value,
        "payments": [_payment(each) for each in outcome.movements],
        "template": outcome.reading.template,
        "reason": outcome.judgement.reason,
        "findings": findings,
    }
    if balance := outcome.reading.balance:
        answer["balance"] = {
            "own_account": balance.own_account,
            "amount": _amount(balance.amount),
            "currency": balance.currency,
        }
    if confirmation := outcome.reading.confirmation:
        answer["verification"] = {
            "provider": confirmation.provider,
            "code": confirmation.code,
            "link": confirmation.link,
        }
    return answer


def _payment(movement: "Movement") -> dict[str, object]:
    return {
        "direction": movement.direction.value,
        "amount": _amount(movement.amount),
        "currency": movement.currency,
        "date": movement.date.isoformat(),
        "own_account": movement.own_account,
        "counter_account": movement.counter_account,
        "counterparty_name": movement.counterparty_name,
        "vs": movement.vs,
        "ks": movement.ks,
        "ss": movement.ss,
        "message": movement.message,
    }


def _amount(amount: Decimal) -> str:
    rounded = amount.quantize(CENT)
    return f"{rounded if rounded == amount else amount:f}"


def _accounts(typed: list[str]) -> tuple[str, ...]:
    from mail_ingest.banks.accounts import account_key

    try:
        return tuple(account_key(each) for each in typed)
    except ValueError as error:
        raise InspectError(f"--own-account: {error}") from error


def _evidence(file: Path) -> "Evidence":
    from mail_ingest.genuineness.evidence import Evidence, EvidenceError

    try:
        return Evidence.from_json(json.loads(_bytes(file, EVIDENCE_BYTES_MAX)))
    except EvidenceError as error:
        raise InspectError(f"{file}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise InspectError(f"{file}: is not JSON: {error}") from error


async def _gathered(
    raw: bytes, transport: "Transport", servers: list[tuple[str, int]]
) -> "Evidence":
    from dns.resolver import NoResolverConfiguration

    from mail_ingest.genuineness.resolver import Resolver
    from mail_ingest.genuineness.verify import gather

    try:
        resolver = Resolver(servers)
    except NoResolverConfiguration as error:
        raise InspectError(
            f"there is no DNS server to ask: set {DNS_SETTING} or give --evidence"
        ) from error
    return await gather(raw, transport, resolver)


def _transport(headers: tuple["Header", ...]) -> "Transport":
    """How the mail came, by what the server that took it in wrote on top of it."""
    from mail_ingest.genuineness.verify import Transport
    from mail_ingest.message.headers import text, values

    received = next(iter(values(headers, "Received")), b"").decode("ascii", "replace")
    sender_part = received.partition(" by ")[0]
    client = _CLIENT_IP.search(sender_part)
    helo = _FROM_HOST.match(sender_part)
    path = next(iter(values(headers, "Return-Path")), b"")
    return Transport(
        client_ip=client.group(1) if client else "",
        helo=helo.group(1) if helo else "",
        envelope_from=text(path).strip("<> "),
    )


def _receive_time(headers: tuple["Header", ...]) -> datetime:
    """When it was taken in; where nothing says it, when it was sent, or now."""
    from mail_ingest.message.headers import text, values

    received = next(iter(values(headers, "Received")), b"")
    for written in (
        text(received).rpartition(";")[2],
        text(next(iter(values(headers, "Date")), b"")),
    ):
        try:
            time = parsedate_to_datetime(written.strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return datetime.now(UTC)


def _dns_servers() -> list[tuple[str, int]]:
    from spojka.settings import parse_dns_servers

    try:
        return parse_dns_servers(os.environ.get(DNS_SETTING, ""))
    except ValueError as error:
        raise InspectError(f"{DNS_SETTING} {error}") from error


def _bytes(file: Path, size_max: int) -> bytes:
    if file.stat().st_size > size_max:
        raise InspectError(f"{file}: is larger than {size_max} bytes")
    return file.read_bytes()

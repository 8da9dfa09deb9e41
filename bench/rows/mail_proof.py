"""Banks' mails proven and read.

Measured: what the worker does with a mail between taking it out of the queue
and writing its verdict down: SPF, every signature, DMARC, its form recognised
and its movement read; as many at once as the worker has. DNS is a zone of the
sandbox's, asked as often as its time to live says. One core does it all.

Ceiling of signed mails: dkimpy alone verifies their signatures, with the key
at hand. Mails that nobody signed have none.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Final
from uuid import uuid4

import dkim  # type: ignore[import-untyped]

from bench.measure import Timed, alternate
from bench.post import FIO_ACCOUNT, TATRA_ACCOUNT, letters, street, transfers
from bench.result import Result, rate, rate_against
from bench.stage import Stage
from mail_ingest.genuineness.resolver import Resolver
from mail_ingest.genuineness.signature import RSA_BITS_MIN
from mail_ingest.mails.judge import Judge
from mail_ingest.mails.model import BankAccount, MailRow, StoredMail
from mail_ingest.mails.worker import IN_FLIGHT_MAX
from sandbox.banks import Bank
from sandbox.banks.dns_server import HOST, free_port, serving
from sandbox.banks.fio import Prose
from spojka.api.mail.v1 import events_pb2, mail_service_pb2

MAILS: Final = 1_000
QUICK_MAILS: Final = 200
ROUNDS: Final = 5
RECIPIENT: Final = "bmail-bench@mail.example"


async def verify(stage: Stage) -> list[Result]:
    """Signed mails beside dkimpy alone; then unsigned ones."""
    count = QUICK_MAILS if stage.quick else MAILS
    banks = street()
    banks.fio.form = Prose()
    async with serving(banks.zone, port := free_port()):
        judge = Judge(Resolver([(HOST, port)]), stage.settings.mail_max_age_days)
        signed = _stored(banks.tatra, TATRA_ACCOUNT, "EUR", count)
        unsigned = _stored(banks.fio, FIO_ACCOUNT, "CZK", count)
        pair = await alternate(_judged(judge, signed), _verified(banks.tatra, signed), ROUNDS)
        plain = [await _judged(judge, unsigned)() for _ in range(ROUNDS)]
    what = "signed bank mails verified and read, against dkimpy alone"
    return [
        rate_against(what, "mails/s", pair.figure, pair.limit, at_least=None),
        rate("unsigned bank mails verified and read", "mails/s", median(plain)),
    ]


def _judged(judge: Judge, mails: Sequence[StoredMail]) -> Timed:
    """Judges all; mails a second."""

    async def run() -> float:
        waiting = iter(mails)
        trusts = []

        async def work() -> None:
            for mail in waiting:
                verdict = await judge.judge(mail)
                trusts.append((verdict.trust, len(verdict.movements)))

        start = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT_MAX)))
        seconds = time.perf_counter() - start
        assert set(trusts) == {(events_pb2.TRUST_TRUSTED, 1)}
        return len(mails) / seconds

    return run


def _verified(bank: Bank, mails: Sequence[StoredMail]) -> Timed:
    """Verifies the signatures of all; mails a second."""
    assert bank.signer is not None
    record = bank.signer.record.encode()

    async def run() -> float:
        start = time.perf_counter()
        for mail in mails:
            signature = dkim.DKIM(mail.raw, minkey=RSA_BITS_MIN)
            assert signature.verify(dnsfunc=lambda _name, timeout=0: record)  # noqa: ARG005 - dkimpy's
        return len(mails) / (time.perf_counter() - start)

    return run


def _stored(bank: Bank, account: str, currency: str, count: int) -> list[StoredMail]:
    """Mails that the bank delivered just now, as the worker loads them."""
    connection_id, address_id = uuid4(), uuid4()
    key = account if account.startswith("SK") else f"{account}/2010"
    known = BankAccount(
        account_key=key,
        currency=currency,
        mailboxes=(),
        inactive=False,
        automatic_limit=None,
        automatic_per_hour=0,
        address_id=address_id,
    )
    tenant = uuid4()
    return [
        StoredMail(
            row=MailRow(
                tenant_id=tenant,
                id=uuid4(),
                connection_id=connection_id,
                address_id=address_id,
                size_bytes=len(raw),
                client_ip=bank.house.client_ip,
                helo=bank.house.host,
                envelope_from=bank.house.sender,
                receive_time=datetime.now(UTC),
                redeliveries=0,
                state=mail_service_pb2.MAIL_STATE_RECEIVED,
                trust=events_pb2.TRUST_UNSPECIFIED,
                bank="",
                attempts=0,
                value=b"",
            ),
            raw=raw,
            evidence=None,
            account=known,
        )
        for raw in letters(bank, account, currency, RECIPIENT, transfers(count))
    ]

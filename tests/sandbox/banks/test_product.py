"""The stand-ins' mails, brought by SMTP, are read and judged by the product as real ones."""

from decimal import Decimal

import pytest

from sandbox.banks import Account, Effect, Fault, Refused, Trouble
from sandbox.banks.fio import Prose, Short
from sandbox.banks.street import STRANGER_IP
from spojka.api.mail.v1.events_pb2 import (
    NOTIFICATION_ACTION_MATCH,
    TRUST_REJECTED,
    TRUST_TRUSTED,
    TRUST_WEAK,
    PaymentNotified,
)
from spojka.api.mail.v1.mail_service_pb2 import MAIL_STATE_QUARANTINED, MAIL_STATE_READ
from tests.sandbox.banks.conftest import Town, same, transfer
from tests.sandbox.banks.letters import CSOB_ACCOUNT, FIO_ACCOUNT, TATRA_ACCOUNT
from tests.waiting import until

FIO = (FIO_ACCOUNT, f"{FIO_ACCOUNT}/2010", "CZK")
CSOB = (CSOB_ACCOUNT, f"{CSOB_ACCOUNT}/0300", "CZK")
TATRA = (TATRA_ACCOUNT, TATRA_ACCOUNT, "EUR")


@pytest.mark.parametrize(
    ("name", "form", "account", "template", "proof"),
    [
        ("fio", Short(), FIO, "fio_cz.short.1", "SPF passes for fio.cz"),
        ("fio", Prose(), FIO, "fio_cz.prose.1", "SPF passes for fio.cz"),
        ("csob", None, CSOB, "csob_cz.ceb.1", "SPF passes for csob.cz"),
        ("tatra", None, TATRA, "tatra_sk.bmail.1", "SPF passes for tatrabanka.sk"),
    ],
)
async def test_each_form_of_each_bank_is_read_and_trusted(
    town: Town,
    name: str,
    form: Short | None,
    account: tuple[str, str, str],
    template: str,
    proof: str,
) -> None:
    bank = town.street.banks[name]
    bank.form = form or bank.form
    await town.client(bank, *account)
    coming = transfer(bank, "1249.50", vs="26000147", ks="0308", message="objednávka 26000147")
    movement, _ = await bank.take(account[0], coming)
    (mail,) = await town.mails(1)
    assert (mail.state, mail.trust, mail.action) == (MAIL_STATE_READ, TRUST_TRUSTED, "match")
    assert mail.template == template
    assert proof in mail.trust_reason
    assert mail.client_ip == bank.house.client_ip
    (notified,) = await town.notified()
    assert same(movement, notified)
    assert notified.action == NOTIFICATION_ACTION_MATCH
    assert notified.payment.own_account == account[1]


async def test_all_movements_of_one_mail_are_told(town: Town) -> None:
    bank = town.street.csob
    await town.client(bank, *CSOB)
    amounts = ("1234.56", "-500.00", "987.65")
    movements = [bank.book(CSOB[0], transfer(bank, each, vs="7")) for each in amounts]
    await bank.tell(movements)
    notified = sorted(await _notified(town, 1), key=lambda each: each.movement)
    assert len(notified) == 3
    assert all(same(*pair) for pair in zip(movements, notified, strict=True))


async def test_a_mail_delivered_twice_is_told_once(town: Town) -> None:
    bank = town.street.fio
    await town.client(bank, *FIO)
    bank.faults.add(Fault(Effect.TWICE))
    copies = await bank.tell([bank.book(FIO[0], transfer(bank, "5.00"))])
    assert len(copies) == 2
    assert len(await _notified(town, 1)) == 1


@pytest.mark.parametrize(
    ("name", "account", "trust"),
    [("fio", FIO, TRUST_REJECTED), ("csob", CSOB, TRUST_WEAK), ("tatra", TATRA, TRUST_TRUSTED)],
)
async def test_delivered_by_a_stranger_only_a_whole_signature_proves_it(
    town: Town, name: str, account: tuple[str, str, str], trust: int
) -> None:
    bank = town.street.banks[name]
    await town.client(bank, *account)
    bank.faults.add(Fault(Effect.ELSEWHERE, address=STRANGER_IP))
    await bank.take(account[0], transfer(bank, "5.00"))
    (mail,) = await town.mails(1)
    assert mail.client_ip == STRANGER_IP
    assert mail.trust == trust
    assert len(await town.notified()) == (trust != TRUST_REJECTED)


async def test_a_wrong_signature_from_a_stranger_is_rejected(town: Town) -> None:
    bank = town.street.tatra
    await town.client(bank, *TATRA)
    bank.faults.add(Fault(Effect.ELSEWHERE, address=STRANGER_IP))
    bank.faults.add(Fault(Effect.WRONG_SIGNATURE))
    await bank.take(TATRA[0], transfer(bank, "5.00"))
    (mail,) = await town.mails(1)
    assert (mail.state, mail.trust) == (MAIL_STATE_QUARANTINED, TRUST_REJECTED)
    assert not await town.notified()


async def test_a_genuine_mail_about_a_strangers_account_is_rejected(town: Town) -> None:
    await town.client(town.street.fio, *FIO)
    (leaked,) = town.street.fio.ledger.account(FIO[0]).notified
    bank = town.street.tatra
    bank.open_account(Account(TATRA[0], "EUR", "Stranger", Decimal(10), [leaked]))
    await bank.take(TATRA[0], transfer(bank, "5.00"))
    (mail,) = await town.mails(1)
    assert mail.trust == TRUST_REJECTED
    assert "not this connection's" in mail.trust_reason
    assert not await town.notified()


@pytest.mark.parametrize("trouble", Trouble)
async def test_while_dns_is_away_a_mail_is_not_trusted_and_then_it_is(
    town: Town, trouble: Trouble
) -> None:
    bank = town.street.fio
    await town.client(bank, *FIO)
    town.street.zone.break_down("fio.cz", trouble)
    movement, _ = await bank.take(FIO[0], transfer(bank, "5.00"))

    async def put_off() -> bool:
        (mail,) = await town.desk.mails()
        return mail.attempts > 0 and mail.HasField("next_attempt_time")

    await until(put_off, "the mail is judged in vain and waits for DNS")
    (mail,) = await town.desk.mails()
    assert mail.trust != TRUST_TRUSTED
    assert not await town.notified()
    town.street.zone.recover()
    await town.make_due()
    (mail,) = await town.mails(1)
    assert mail.trust == TRUST_TRUSTED
    (notified,) = await town.notified()
    assert same(movement, notified)


async def test_an_address_that_is_not_there_is_refused_for_good(town: Town) -> None:
    bank = town.street.fio
    bank.open_account(Account("42", "CZK", "Vzor", Decimal(0), ["bmail-nobody@mail.example"]))
    with pytest.raises(Refused, match="550"):
        await bank.take("42", transfer(bank, "5.00"))
    assert bank.courier.refused == 1


async def _notified(town: Town, mails: int) -> list[PaymentNotified]:
    await town.mails(mails)
    return await town.notified()

"""The page by which people, tests and demos act as the banks' clients."""

from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from sandbox.banks import Account, Street, running
from tests.sandbox.banks.letters import FIO_ACCOUNT, MERCHANT
from tests.sandbox.banks.test_sending import Mailbox, listening


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with listening() as mailbox:
        yield mailbox


@pytest.fixture
async def street(mailbox: Mailbox) -> AsyncIterator[Street]:
    async with running("127.0.0.1", mailbox.port) as street:
        street.fio.open_account(Account(FIO_ACCOUNT, "CZK", "Vzor", Decimal(0), [MERCHANT]))
        yield street


@pytest.fixture
async def http(street: Street) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{street.url}/sandbox", trust_env=False) as http:
        yield http


async def test_a_movement_is_booked_and_told(http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    transfer = {"bank": "fio", "account": FIO_ACCOUNT, "amount": 1249.10, "vs": "26000147"}
    answer = await http.post("/movements", json=transfer)
    assert answer.status_code == 200
    assert answer.json()["movement"]["balance_after"] == "1249.1"
    assert answer.json()["mails"] == len(mailbox.mails) == 1
    ledger = (await http.get("/ledger")).json()["fio"]
    assert ledger["accounts"][0]["balance"] == "1249.1"
    assert ledger["accounts"][0]["movements"][0]["transfer"]["vs"] == "26000147"
    assert ledger["deliveries"] == {"accepted": 1, "put_off": 0, "refused": 0}


async def test_faults_are_switched_on_and_off(http: httpx.AsyncClient, street: Street) -> None:
    fault = {"bank": "fio", "effect": "elsewhere", "address": "127.0.0.66"}
    assert (await http.post("/faults", json=fault)).json()[0]["times"] == 1
    trouble = {"domain": "fio.cz", "trouble": "servfail"}
    assert (await http.post("/dns", json=trouble)).json() == {"fio.cz": "servfail"}
    await http.delete("/faults")
    assert not street.fio.faults.pending
    assert not street.zone.troubles


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("movements", {"bank": "kb"}, 404, "no bank 'kb'; there are: fio, csob, tatra"),
        ("movements", {"bank": "fio", "account": "1", "amount": 1}, 404, "no account 1 here"),
        ("movements", {"bank": "fio", "account": FIO_ACCOUNT, "amount": "x"}, 422, "decimal"),
        (
            "movements",
            {"bank": "fio", "account": FIO_ACCOUNT, "sum": 1},
            422,
            "no such fields: sum",
        ),
        ("movements", [], 422, "a JSON object is expected"),
        ("faults", {"bank": "fio", "effect": "delay"}, 422, "a delay needs seconds"),
        ("dns", {"domain": "fio.cz", "trouble": "sleepy"}, 422, "sleepy"),
    ],
)
async def test_what_makes_no_sense_is_said_so(
    http: httpx.AsyncClient, path: str, body: object, status: int, said: str
) -> None:
    answer = await http.post(path, json=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]


async def test_a_mail_that_is_not_taken_is_told_and_the_movement_stays(
    http: httpx.AsyncClient, street: Street, mailbox: Mailbox
) -> None:
    mailbox.answers = ["550 5.1.1 No such mailbox here"]
    transfer = {"bank": "fio", "account": FIO_ACCOUNT, "amount": 5}
    answer = await http.post("/movements", json=transfer)
    assert answer.status_code == 502
    assert "550" in answer.json()["error"]
    assert street.fio.ledger.account(FIO_ACCOUNT).balance == 5

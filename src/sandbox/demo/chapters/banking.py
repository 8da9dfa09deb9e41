"""A bank account is connected and gets the address that its bank is to write to."""

from decimal import Decimal
from typing import Final

from sandbox.banks import Account, Bank, Refused
from sandbox.demo.expectations import Unexpected, expect
from sandbox.demo.money import PAID, PLACED, BankAccount
from sandbox.demo.stage import Stage
from spojka.errors import InvalidArgument

TITLE: Final = "A bank account is connected"
NUMBER: Final = "1111111111"
BANK_CODE: Final = "2010"
MISTYPED: Final = "1111111112"
BALANCE: Final = Decimal("164570.32")
LETTERS_OF_ADDRESS_MIN: Final = 26


async def tell(stage: Stage) -> BankAccount:
    """Set the status rule, connect, and give the address to the bank."""
    narrator, treasury, bank = stage.narrator, stage.treasury, stage.banks.fio
    narrator.say(
        f"The merchant has an account at Fio banka, which writes a mail of every payment. An order "
        f"is to be {PLACED!r}, and {PAID!r} once it is paid."
    )
    await treasury.set_statuses(placed=PLACED, paid=PAID)
    async with narrator.step("a mistyped account number is refused by its check digits"):
        try:
            await treasury.connect("Fio", f"{MISTYPED}/{BANK_CODE}", "CZK")
        except InvalidArgument as error:
            refusal = error.message
        else:
            raise Unexpected("the number to be refused", "a connection")
    narrator.quote(refusal)
    async with narrator.step("the right one is taken, and has an address that nobody can guess"):
        connection = await treasury.connect("Fio", f"{NUMBER}/{BANK_CODE}", "CZK")
        local, _, domain = connection.address.partition("@")
        secret = local.removeprefix("bmail-")
        expect(
            local.startswith("bmail-") and len(secret) >= LETTERS_OF_ADDRESS_MIN,
            "an address such as bmail-…",
            connection.address,
        )
    narrator.quote(connection.address)
    async with narrator.step("at any other address nobody is at home: the bank is told so at once"):
        await _nobody_at(bank, f"bmail-{secret[::-1]}@{domain}")
    bank.open_account(Account(NUMBER, "CZK", "Demo s.r.o.", BALANCE, [connection.address]))
    return BankAccount(bank, NUMBER, connection)


async def _nobody_at(bank: Bank, address: str) -> None:
    try:
        await bank.post(b"Subject: test\r\n\r\ntest\r\n", address, bank.house.client_ip)
    except Refused as error:
        expect("550" in str(error), "the answer 550", error)
    else:
        raise Unexpected("the mail to be refused", "it was taken")

"""The account that each phase opens: its first payment waits for a person."""

from typing import Final

from sandbox.demo.treasury import Treasury
from tests.faults.banks import ACCOUNTS, Branch, open_branch
from tests.faults.system import System

BANK: Final = "fio"
BANK_CODE: Final = "2010"
_FIRST: Final = 2_000_000_000
_APART: Final = 1_000
_WEIGHTS: Final = (6, 3, 7, 9, 10, 5, 8, 4, 2, 1)
"""Of the digits of a Czech account number, whose sum divides by 11 (Decree 169/2011)."""
_MODULUS: Final = 11


async def open_account(system: System, phase: int) -> Branch:
    """Open and connect the account of a phase."""
    number = _valid(_FIRST + phase * _APART)
    payer = next(each[3] for each in ACCOUNTS if each[0] == BANK)
    bank = system.street.banks[BANK]
    treasury = Treasury(system.office.edge)
    return await open_branch(bank, treasury, number, f"{number}/{BANK_CODE}", payer)


def _valid(least: int) -> str:
    number = least
    while not has_check(str(number)):
        number += 1
    return str(number)


def has_check(digits: str) -> bool:
    """Whether ten digits are an account number that there can be."""
    weighed = (weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True))
    return sum(weighed) % _MODULUS == 0

"""Accounts in the one form in which they are stored and compared.

Czech accounts are `prefix-number/bank` without the zero prefix; all others are
IBANs without blanks. Slovak domestic numbers become IBANs, Czech IBANs become
domestic numbers.
"""

import re
from functools import lru_cache
from typing import Final

from stdnum import iban
from stdnum.exceptions import ValidationError

ACCOUNT_CHARACTERS_MAX: Final = 60
ACCOUNTS_REMEMBERED_MAX: Final = 4_096

_DOMESTIC = re.compile(r"(?:([0-9]{1,6})-)?([0-9]{2,10})/([0-9]{4})")
_NUMBER = re.compile(r"(?:([0-9]{1,6})-)?([0-9]{2,10})")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_WEIGHTS: Final = (6, 3, 7, 9, 10, 5, 8, 4, 2, 1)


@lru_cache(ACCOUNTS_REMEMBERED_MAX)
def account_key(text: str, country: str = "CZ") -> str:
    """Bring an account to its normal form.

    `country` (CZ or SK) says whose a domestic number is. Raises ValueError for
    what is no account or fails its check digits.
    """
    if len(text) > ACCOUNT_CHARACTERS_MAX:
        raise ValueError(f"{text[:ACCOUNT_CHARACTERS_MAX]!r}… is too long for an account")
    compact = "".join(text.split()).upper()
    if match := _DOMESTIC.fullmatch(compact):
        return _domestic(match[1] or "", match[2], match[3], country)
    if _IBAN.fullmatch(compact) is None:
        raise ValueError(f"{text!r} is not an account")
    try:
        iban.validate(compact, check_country=False)
    except ValidationError as error:
        raise ValueError(f"{text!r} is an IBAN with wrong check digits") from error
    if compact.startswith("CZ"):
        return _domestic(compact[8:14], compact[14:], compact[4:8], "CZ")
    return compact


def account_of(number: str, bank_code: str, country: str = "CZ") -> str:
    """Bring a domestic number printed without its bank to the normal form. Raises ValueError."""
    compact = "".join(number.split())
    if "/" in compact:
        return account_key(compact, country)
    if _NUMBER.fullmatch(compact) is None:
        raise ValueError(f"{number!r} is not an account number")
    return account_key(f"{compact}/{bank_code}", country)


def _domestic(prefix: str, number: str, bank: str, country: str) -> str:
    """Raises ValueError for a number that is not divisible by 11 as its bank's decree asks."""
    prefix, number = prefix.lstrip("0"), number.lstrip("0")
    written = f"{prefix}-{number}/{bank}" if prefix else f"{number}/{bank}"
    if not number or not _divisible_by_11(prefix) or not _divisible_by_11(number):
        raise ValueError(f"{written} is an account with wrong check digits")
    if country == "SK":
        basic = f"{bank}{prefix:0>6}{number:0>10}"
        return f"SK{iban.calc_check_digits('SK00' + basic)}{basic}"
    return written


def _divisible_by_11(digits: str) -> bool:
    """Weigh digits as the Czech decree 169/2011 and its Slovak twin do."""
    weighed = zip(_WEIGHTS, f"{digits:0>10}", strict=True)
    return sum(weight * int(digit) for weight, digit in weighed) % 11 == 0

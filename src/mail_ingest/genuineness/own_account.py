"""Whether a mail is about the merchant's own account.

A perfectly genuine mail can be about somebody else's: whoever learned the
address can have his own bank send to it.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

from mail_ingest.banks.reading import Balance, Movement

VISIBLE_DIGITS_MIN: Final = 4

_MASK = re.compile(r"[*.xX•…]+")


class Comparison(Enum):
    """What came of comparing a mail's own accounts with the connection's."""

    OWN = "own"
    FOREIGN = "foreign"
    # Not printed, or masked so that several accounts fit, or of several owners.
    UNCERTAIN = "uncertain"


def compare_accounts(
    movements: Sequence[Movement],
    balance: Balance | None,
    accounts: Sequence[str] | None,
    masked: bool,
) -> Comparison:
    """Compare all own accounts that a mail names. `accounts` None: nothing is compared.

    `masked`: the bank prints only part of its numbers.
    """
    if accounts is None:
        return Comparison.OWN
    named = [each.own_account for each in movements]
    if balance is not None:
        named.append(balance.own_account)
    found = {_compare(each, accounts, masked) for each in named}
    if found == {Comparison.FOREIGN}:
        return Comparison.FOREIGN
    return Comparison.OWN if found <= {Comparison.OWN} else Comparison.UNCERTAIN


def _compare(named: str | None, accounts: Sequence[str], masked: bool) -> Comparison:
    if not named:
        return Comparison.UNCERTAIN
    if not (masked and _MASK.search(named)):
        return Comparison.OWN if named in accounts else Comparison.FOREIGN
    if sum(character.isdigit() for character in named) < VISIBLE_DIGITS_MIN:
        return Comparison.UNCERTAIN
    pattern = re.compile("[0-9-]*".join(re.escape(part) for part in _MASK.split(named)))
    fitting = [
        account
        for account in accounts
        if pattern.fullmatch(account) or pattern.fullmatch(account.partition("/")[0])
    ]
    if not fitting:
        return Comparison.FOREIGN
    return Comparison.OWN if len(fitting) == 1 else Comparison.UNCERTAIN

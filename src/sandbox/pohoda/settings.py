"""How this installation behaves where installations differ or nobody knows for certain.

Changed while it runs by ``PATCH /sandbox/settings``; they belong to the process and are not saved.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Strictness = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Account:
    """A POHODA user and what that user may do."""

    user: str
    password: str
    may_open_unit: bool = True
    may_import: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; the defaults are the facts known of current installations."""

    ico: str = "12345678"
    key: str = "908ba96e-887a-428b-805e-f2e53dac82bb"
    company_name: str = "Sandbox s.r.o."
    server_name: str = "Sandbox"
    program_version: str = "14000.1 SQL (1.10.2025)"
    accounts: tuple[Account, ...] = (
        Account("api", "api"),
        Account("reader", "reader", may_import=False),
        Account("guest", "guest", may_open_unit=False),
    )
    wrong_password_status: int = 401
    status_needs_login: bool = True
    readers_may_list: bool = True
    processing_delay_seconds: float = 0.0
    movement_bumps_last_changes: bool = True
    not_well_formed: Literal["http_400", "pack_error"] = "http_400"
    empty_list: Literal["list", "item", "pack"] = "list"
    leading_slash_in_storage: bool = False
    duplicity_answer: Literal["record", "note"] = "record"
    number_exists: Literal["ok_with_note", "error"] = "ok_with_note"
    unknown_stock: Strictness = "error"
    unknown_payment: Strictness = "warning"
    """Also for an unknown carrier."""
    unknown_currency: Strictness = "error"
    several_cards_match: Literal["first", "error"] = "first"
    home_currency: str = "CZK"
    rates: tuple[tuple[str, Decimal], ...] = (
        ("EUR", Decimal("25.05")),
        ("USD", Decimal("23.10")),
        ("PLN", Decimal("5.85")),
        ("RON", Decimal("5.03")),
    )
    carriers: tuple[str, ...] = ("PPL", "DPD", "GLS", "Zásilkovna", "Česká pošta")

    @property
    def has_count_issue(self) -> bool:
        """`stk:countIssue` came with the versions of 2025."""
        year = re.search(r"(\d{4})\)", self.program_version)
        return year is not None and int(year[1]) >= _COUNT_ISSUE_SINCE_YEAR


_COUNT_ISSUE_SINCE_YEAR = 2025

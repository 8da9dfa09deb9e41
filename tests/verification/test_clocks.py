"""Processes whose clocks are wrong write right books: verifying trusts locks, and no clock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from payments.decisions.standing import Line
from payments.storage.lines import LedgerLine
from payments.verification.telling import last_told
from tests.verification.lived import Lived

BACKWARDS = (
    "UPDATE payments.decision SET time = '2026-01-01'::timestamptz - revision * interval '1 hour'"
)


async def test_decisions_are_replayed_as_they_were_made(copy: Lived) -> None:
    assert copy.change(BACKWARDS)
    report = await copy.verify("payments")
    assert report.agrees, report.services["payments"].differences


def _line(number: int, amount: int, order: bool, behind: timedelta) -> LedgerLine:
    line = Line(uuid4(), uuid4() if order else None, Decimal(amount), None)
    time = datetime(2026, 11, 2, tzinfo=UTC) - behind
    return LedgerLine(line, uuid4(), number, "CZK", uuid4(), "jana", time)


def test_the_last_that_was_told_of_is_the_last_by_number() -> None:
    given = _line(1, 100, order=True, behind=timedelta(0))
    credit = _line(2, 50, order=False, behind=timedelta(seconds=30))
    assert last_told([given, credit]) == [given]

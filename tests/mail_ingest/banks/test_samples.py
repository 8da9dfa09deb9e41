"""The reference's sample mails give exactly what is expected of them, where the folder is."""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mail_ingest.banks.reader import read_mail
from mail_ingest.banks.reading import Movement, Reading, ReadingContext

RECEIVED = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEMPLATED = ("cz_fio_", "cz_csob_", "sk_tatra_")
# The genuine form is read; that it is forged or somebody else's is judged elsewhere.
FORGED = ("forged_03", "forged_04")
# What the label reader honestly reads of banks that have no template.
BY_LABELS = frozenset({"direction", "amount", "currency", "date", "vs", "ks", "ss"})
# What it can't: several sentences in one digest, and an account without its bank's code.
UNREAD = frozenset({"cz_mbank_01_push_digest_smime"})


@pytest.fixture(scope="module")
def samples() -> list[Path]:
    folder = os.environ.get("SPOJKA_REFERENCE_DIR")
    if not folder:
        pytest.skip("SPOJKA_REFERENCE_DIR is not set: the sample mails are NOT checked in this run")
    found = sorted((Path(folder) / "bank_mail" / "samples").glob("*.eml"))
    assert len(found) >= 37
    return found


def expected(sample: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        sample.with_name(f"{sample.stem}.expected.json").read_text("utf-8")
    )
    return document


def read(sample: Path, own_account: str | None = None) -> Reading:
    own = (own_account,) if own_account else ()
    return read_mail(sample.read_bytes(), ReadingContext(RECEIVED, own))


def written(movement: Movement, field: str) -> object:
    """Write a movement's field as the samples do."""
    value = getattr(movement, field)
    return value if value is None or isinstance(value, bool) else str(value)


def test_every_sample_of_our_banks_gives_every_field(samples: list[Path]) -> None:
    ours = [sample for sample in samples if sample.name.startswith(TEMPLATED + FORGED)]
    assert len(ours) == 14
    for sample in ours:
        wanted, reading = expected(sample), read(sample)
        assert reading.bank == wanted["bank"], sample.name
        if sample.name.startswith("forged_03"):
            assert reading.movements[0].amount == Decimal("9990.00")
            continue
        if not sample.name.startswith(FORGED):
            assert reading.kind == wanted["kind"], sample.name
        assert len(reading.movements) == len(wanted["payments"]), sample.name
        for movement, payment in zip(reading.movements, wanted["payments"], strict=True):
            for field, value in payment.items():
                assert written(movement, field) == value, (sample.name, field)
        assert reading.complete == ("reversal" not in sample.name), (sample.name, reading.findings)


def test_the_balance_sample_gives_its_balance(samples: list[Path]) -> None:
    (sample,) = [sample for sample in samples if sample.stem == "cz_fio_04_balance_only"]
    wanted, balance = expected(sample)["balance"], read(sample).balance
    assert balance is not None
    assert (balance.own_account, str(balance.amount), balance.currency) == (
        wanted["own_account"],
        wanted["amount"],
        wanted["currency"],
    )


def test_the_confirmation_sample_gives_code_and_link(samples: list[Path]) -> None:
    (sample,) = [sample for sample in samples if sample.stem.startswith("verify_01")]
    wanted, reading = expected(sample), read(sample)
    assert reading.kind == wanted["kind"]
    assert reading.confirmation is not None
    for field, value in wanted["verification"].items():
        assert getattr(reading.confirmation, field) == value


def test_samples_of_other_banks_are_proposals_for_a_person(samples: list[Path]) -> None:
    others = [
        sample
        for sample in samples
        if not sample.name.startswith((*TEMPLATED, "forged_", "verify_"))
    ]
    assert len(others) == 20
    for sample in others:
        wanted = expected(sample)
        (payment, *_) = wanted["payments"]
        reading = read(sample, payment["own_account"])
        assert reading.bank is None, sample.name
        assert not reading.complete, sample.name
        if sample.stem in UNREAD:
            assert not reading.movements
            continue
        assert len(reading.movements) == 1, (sample.name, reading.findings)
        for field in BY_LABELS:
            assert written(reading.movements[0], field) == payment[field], (sample.name, field)

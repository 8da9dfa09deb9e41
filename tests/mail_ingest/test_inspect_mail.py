"""`spojka inspect mail`: the recorded samples where they are, and mails of our own everywhere."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mail_ingest.inspections import inspect_mail
from spojka.inspection import InspectError
from tests.mail_ingest.genuineness.signing import BANK_IP, OTHER_IP, mail, rsa_key, signed
from tests.mail_ingest.zone import bank_zone, serving

# Trust and action of samples whose bank has no template yet: nothing is matched
# by the label reader, whatever the sender proves.
WITHOUT_TEMPLATE = {
    "cz_airbank_01_incoming", "cz_creditas_01_incoming", "cz_creditas_02_card_hold",
    "cz_csas_01_incoming_html", "cz_csas_02_outgoing_plain", "cz_kb_01_plain_cp1250_pdf",
    "cz_kb_02_bilingual_html", "cz_moneta_01_incoming_masked", "cz_rb_01_incoming",
    "cz_rb_02_card", "cz_rb_03_client_defined_template", "cz_unicredit_01_incoming",
    "sk_csob_01_info24_single", "sk_slsp_01_html", "sk_vub_01_credit",
}  # fmt: skip


def _samples() -> list[Path]:
    folder = os.environ.get("SPOJKA_REFERENCE_DIR")
    return sorted((Path(folder) / "bank_mail" / "samples").glob("*.eml")) if folder else []


def _inspected(sample: Path, folder: Path, **options: Any) -> tuple[Mapping[str, Any], Any]:
    expected = json.loads(sample.with_suffix(".expected.json").read_text())
    evidence = folder / "evidence.json"
    evidence.write_text(json.dumps(expected["auth_input"]))
    answer = inspect_mail(
        sample,
        evidence=evidence,
        own_account=expected.get("tenant_accounts"),
        mailbox=expected.get("confirmed_mailboxes"),
        **options,
    )
    return answer, expected


@pytest.mark.parametrize("sample", _samples() or [None], ids=lambda path: path and path.stem)
def test_a_sample_gives_the_expected_verdict(sample: Path | None, tmp_path: Path) -> None:
    if sample is None:
        pytest.skip("SPOJKA_REFERENCE_DIR is not set: the recorded mails are NOT checked")
    answer, expected = _inspected(sample, tmp_path)
    wanted = (expected["expected_trust"], expected["expected_action"])
    if sample.stem in WITHOUT_TEMPLATE:
        wanted = ("weak", "review")
    assert (answer["trust"], answer["action"]) == wanted, answer
    assert answer["reason"].endswith(".")


@pytest.mark.parametrize("sample", _samples() or [None], ids=lambda path: path and path.stem)
def test_a_sample_of_a_bank_with_a_template_gives_its_payments(
    sample: Path | None, tmp_path: Path
) -> None:
    if sample is None:
        pytest.skip("SPOJKA_REFERENCE_DIR is not set: the recorded mails are NOT checked")
    answer, expected = _inspected(sample, tmp_path)
    if expected["bank"] not in {"fio_cz", "csob_cz", "tatra_sk", None}:
        return
    assert (answer["bank"], answer["kind"]) == (expected["bank"], expected["kind"])
    keys = (
        "direction", "amount", "currency", "date", "own_account", "counter_account",
        "counterparty_name", "vs", "ks", "ss", "message",
    )  # fmt: skip
    wanted = [{key: each.get(key) for key in keys} for each in expected["payments"]]
    assert answer["payments"] == wanted


@pytest.mark.parametrize("sample", _samples() or [None], ids=lambda path: path and path.stem)
def test_a_sample_that_nothing_proves_is_never_trusted(sample: Path | None, tmp_path: Path) -> None:
    if sample is None:
        pytest.skip("SPOJKA_REFERENCE_DIR is not set: the recorded mails are NOT checked")
    nothing = tmp_path / "nothing.json"
    nothing.write_text("{}")
    answer = inspect_mail(sample, evidence=nothing)
    assert answer["trust"] in {"rejected", "not_applicable"}


def test_without_own_accounts_the_answer_says_that_they_were_not_compared(tmp_path: Path) -> None:
    file, evidence = tmp_path / "mail.eml", tmp_path / "evidence.json"
    file.write_bytes(mail())
    evidence.write_text(json.dumps({
        "spf": "pass", "mail_from": "automat@fio.cz", "spf_aligned": True, "dmarc": "pass",
    }))  # fmt: skip
    answer = inspect_mail(file, evidence=evidence)
    assert (answer["trust"], answer["action"]) == ("trusted", "match")
    assert any("not compared" in each for each in answer["findings"])  # type: ignore[attr-defined]
    compared = inspect_mail(file, evidence=evidence, own_account=["1111111111/2010"])
    assert (compared["trust"], compared["action"]) == ("trusted", "match")
    foreign = inspect_mail(file, evidence=evidence, own_account=["2800000008/2010"])
    assert (foreign["kind"], foreign["action"]) == ("foreign_account", "quarantine")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('{"spf": "perhaps"}', "spf wants one of"),
        ('{"spff": "pass"}', "unknown keys: spff"),
        ('{"spf_aligned": "yes"}', "spf_aligned wants true or false"),
        ('{"dkim": "pass", "dkim_key_bits": -1}', "dkim_key_bits wants a whole number"),
        ('{"arc": "perhaps"}', "arc wants"),
        ('{"signatures": [{"verified": "pass", "magic": 1}]}', "unknown keys: magic"),
        ("[]", "wants a JSON object"),
        ("{", "is not JSON"),
    ],
)
def test_evidence_that_is_none_is_refused_by_name(content: str, named: str, tmp_path: Path) -> None:
    file, evidence = tmp_path / "mail.eml", tmp_path / "evidence.json"
    file.write_bytes(mail())
    evidence.write_text(content)
    with pytest.raises(InspectError, match=r"evidence\.json") as refused:
        inspect_mail(file, evidence=evidence)
    assert named in str(refused.value)


def test_wrong_accounts_and_files_that_are_no_mail_are_refused_by_name(tmp_path: Path) -> None:
    file, evidence = tmp_path / "mail.eml", tmp_path / "evidence.json"
    file.write_bytes(mail())
    evidence.write_text("{}")
    with pytest.raises(InspectError, match="--own-account"):
        inspect_mail(file, evidence=evidence, own_account=["1111111112/2010"])
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InspectError, match=r"mail\.eml"):
        inspect_mail(file, evidence=evidence)


async def test_without_evidence_dns_is_asked_with_what_the_top_headers_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio  # the inspection runs a loop of its own, so it has to run on another thread

    zone = bank_zone({"s1._domainkey.fio.cz": rsa_key().record}, {"fio.cz": [BANK_IP]})
    file = tmp_path / "mail.eml"
    async with serving(zone) as (address, port):
        monkeypatch.setenv("SPOJKA_DNS_SERVERS", f"{address}:{port}")
        for ip, trust in ((BANK_IP, "trusted"), (OTHER_IP, "rejected")):
            received = (
                f"Received: from mx.fio.cz (mx.fio.cz [{ip}]) by mx.pay.example id 1;\r\n"
                "\tWed, 11 Nov 2026 11:20:00 +0100\r\n"
            ).encode()
            file.write_bytes(received + mail())
            answer = await asyncio.to_thread(inspect_mail, file)
            found: Any = answer["evidence"]
            assert (found["client_ip"], found["mail_from"]) == (ip, "automat@fio.cz")
            assert answer["trust"] == trust, answer
            file.write_bytes(received + signed(mail(), rsa_key()))
            assert (await asyncio.to_thread(inspect_mail, file))["trust"] == "trusted"


def test_recorded_evidence_gives_the_same_verdict_again(tmp_path: Path) -> None:
    file, evidence = tmp_path / "mail.eml", tmp_path / "evidence.json"
    file.write_bytes(mail())
    evidence.write_text(json.dumps({
        "spf": "pass", "mail_from": "automat@fio.cz", "spf_aligned": True, "dmarc": "none",
    }))  # fmt: skip
    first = inspect_mail(file, evidence=evidence)
    assert inspect_mail(file, evidence=evidence) == first

"""What no template reads: confirmations, labels of unknown banks, and what can't be read."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mail_ingest.banks.reader import read_mail
from mail_ingest.banks.reading import Confirmation, Direction, Kind, ReadingContext
from tests.mail_ingest import letters
from tests.mail_ingest.letters import Told

CONTEXT = ReadingContext(datetime(2026, 11, 12, 12, tzinfo=UTC), ("19-6666666666/0100",), "CZK")


def test_a_forwarding_request_shows_its_code_and_link() -> None:
    raw = letters.mail(
        "shop@shop.example has requested to forward mail to you.\nConfirmation code: 123456789\n"
        "To allow this, please click the link below to confirm the request:\n"
        "https://mail-settings.google.com/mail/vf-TOKEN\n",
        sender="Gmail Team <forwarding-noreply@google.com>",
        subject="(#123456789) Gmail Forwarding Confirmation - Receive Mail from shop@shop.example",
    )
    reading = read_mail(raw, CONTEXT)
    assert reading.kind is Kind.ADDRESS_VERIFICATION
    assert reading.confirmation == Confirmation(
        "google", "123456789", "https://mail-settings.google.com/mail/vf-TOKEN"
    )


def test_a_link_behind_words_is_shown() -> None:
    html = (
        '<p>Hello</p><a href="https://www.zoho.com/">Zoho</a>'
        '<a href="https://mail.zoho.eu/x?t=1">Confirm the forwarding</a>'
    )
    raw = letters.mail(html, sender="Zoho <noreply@zoho.eu>", subtype="html")
    assert read_mail(raw, CONTEXT).confirmation == Confirmation(
        "zoho", None, "https://mail.zoho.eu/x?t=1"
    )


@pytest.mark.parametrize(
    "text",
    ["Váš ověřovací kód je 4821 07.", "482107 is your code", "Pre potvrdenie zadajte: 482107"],
)
def test_any_code_is_shown_but_nobody_is_named(text: str) -> None:
    reading = read_mail(letters.mail(text, sender="x@google.com.evil.example"), CONTEXT)
    assert reading.kind is Kind.ADDRESS_VERIFICATION
    assert reading.confirmation == Confirmation(None, "482107", None)


def test_a_payment_is_no_confirmation_whatever_the_payer_wrote() -> None:
    body = letters.fio_short(Told(message="potvrzovací kód 123456"))
    assert read_mail(letters.mail(body), CONTEXT).kind is Kind.INCOMING_PAYMENT


def test_another_banks_notice_in_the_payers_text_is_only_text() -> None:
    inner = letters.fio_prose(Told(amount=Decimal("99000.00")))
    body = letters.tatra(Told(message=inner))
    reading = read_mail(letters.mail(body), CONTEXT)
    assert (reading.bank, reading.movements[0].amount) == ("tatra_sk", Decimal("1249.00"))
    inner = letters.csob_business_block(Told(amount=Decimal("99000.00")))
    reading = read_mail(letters.mail(letters.fio_short(Told(message=inner))), CONTEXT)
    assert (reading.bank, reading.movements[0].amount) == ("fio_cz", Decimal("1249.00"))


def test_labels_of_an_unknown_bank_are_read_for_a_person() -> None:
    body = (
        "Your account number: 19-6666666666/0100\nCounterparty account number: 1000000005/2010\n"
        "Amount and currency: +1 299,00 CZK\nDue date: 17.11.2026\nVariable symbol: 26110913\n"
        "Message for recipient: order"
    )
    reading = read_mail(letters.mail(body), CONTEXT)
    (movement,) = reading.movements
    assert (reading.bank, reading.template) == (None, "labels.1")
    assert not reading.complete
    assert (movement.amount, movement.direction) == (Decimal("1299.00"), Direction.IN)
    assert (movement.vs, movement.date) == ("26110913", date(2026, 11, 17))
    assert movement.own_account == "19-6666666666/0100"


def test_the_own_account_tells_the_direction_of_an_unknown_banks_mail() -> None:
    body = (
        "Provedena platba z uctu cislo {} na ucet cislo {} castka 2 350,00 CZK, datum splatnosti "
        "10.11.2026, variabilni symbol platby 26110777."
    )
    came = read_mail(letters.mail(body.format("1000000005/2010", "19-6666666666/0100")), CONTEXT)
    went = read_mail(letters.mail(body.format("19-6666666666/0100", "1000000005/2010")), CONTEXT)
    assert came.movements[0].direction is Direction.IN
    assert went.movements[0].direction is Direction.OUT
    for reading in (came, went):
        assert reading.movements[0].own_account == "19-6666666666/0100"
        assert reading.movements[0].counter_account == "1000000005/2010"
        assert not reading.complete


def test_a_refused_payment_is_told_apart_from_a_movement() -> None:
    body = "Platba byla zamítnuta.\nČástka: 100,00 CZK\nČíslo účtu: 19-6666666666/0100"
    reading = read_mail(letters.mail(body), CONTEXT)
    assert reading.kind is Kind.NOT_EXECUTED
    assert not reading.movements[0].booked


def test_what_is_encrypted_or_archived_says_so() -> None:
    pgp = letters.mail("-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----")
    reading = read_mail(pgp, CONTEXT)
    assert reading.kind is Kind.UNREADABLE
    assert "PGP" in reading.findings[0]
    archive = letters.part(b"PK\x03\x04", "application/zip", disposition="attachment", name="v.zip")
    reading = read_mail(letters.multipart(letters.part("V prilohe."), archive), CONTEXT)
    assert reading.kind is Kind.UNREADABLE
    assert "v.zip" in reading.findings[0]


def test_an_archive_beside_a_readable_notice_does_not_matter() -> None:
    archive = letters.part(b"PK", "application/zip", disposition="attachment", name="v.zip")
    raw = letters.multipart(letters.part(letters.fio_short(Told())), archive)
    assert read_mail(raw, CONTEXT).complete


def test_a_mail_that_nobody_knows_says_so() -> None:
    reading = read_mail(letters.mail("Dobrý den, nabízíme Vám úvěr."), CONTEXT)
    assert (reading.kind, reading.bank, reading.template) == (Kind.UNKNOWN, None, None)
    assert not reading.complete


def test_bytes_that_are_no_mail_are_a_reading_that_says_why() -> None:
    reading = read_mail(b"\x00\xff no header\r\n", CONTEXT)
    assert reading.kind is Kind.UNREADABLE
    assert reading.findings

"""Settings and credentials: usable defaults, each mistake named."""

import pytest

from spojka.outbound import OutboundPolicy
from stock.warehouses.errors import SettingsInvalid
from stock.warehouses.pohoda import POHODA
from stock.warehouses.pohoda.settings import parse_credentials, parse_settings
from stock.warehouses.pohoda.transport import basic_authorization
from stock.warehouses.port import Meaning

GIVEN = {"url": "http://pohoda.example.com:444", "ico": "12345678"}
PROOF = {"username": "api", "password": "žluť"}


def test_address_and_ico_are_enough() -> None:
    settings = parse_settings(GIVEN)
    assert (settings.page_records, settings.encoding, settings.currency_home) == (
        1000,
        "windows-1250",
        "CZK",
    )
    assert settings.stores == ()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://p.example.com:444/", "http://p.example.com:444"),
        ("https://p.example.com/pohoda/xml", "https://p.example.com/pohoda"),
    ],
)
def test_an_address_is_taken_as_people_write_it(url: str, expected: str) -> None:
    assert parse_settings({**GIVEN, "url": url}).url == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("url", ""),
        ("url", "pohoda.example.com:444"),
        ("url", "http://p.example.com:99999"),
        ("url", "http://user:pw@p.example.com"),
        ("ico", ""),
        ("ico", "1" * 16),
        ("stores", "A" * 20),
        ("stores", "HLAVNI/Branch"),
        ("default_store", "S" * 20),
        ("number_series", "Ж"),
        ("reserve", "1"),
        ("currency_home", "Kč"),
        ("edition", "pl"),
        ("order_text", "{number.__class__}"),
        ("order_text", "{number"),
        ("payment_types", "PayPal"),
        ("default_vat", "21"),
        ("other_vat_rates", "x"),
        ("rounding", "up"),
        ("page_records", "0"),
        ("page_records", "10001"),
        ("page_records", "ten"),
        ("paging", "page"),
        ("overlap_seconds", "-1"),
        ("time_zone", "Prague"),
        ("time_zone", "../etc"),
        ("encoding", "latin-1"),
        ("read_timeout_seconds", "99999"),
    ],
)
def test_a_wrong_setting_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        parse_settings({**GIVEN, name: text})
    assert list(raised.value.fields) == [name]


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsInvalid) as raised:
        POHODA.open({"ico": "12345678", "edition": "x"}, {"password": "p"}, OutboundPolicy())
    assert set(raised.value.fields) == {"url", "edition", "username"}


def test_a_default_store_must_be_among_the_stores() -> None:
    with pytest.raises(SettingsInvalid, match="default_store"):
        parse_settings({**GIVEN, "stores": "A, B", "default_store": "C"})
    assert parse_settings({**GIVEN, "stores": "A, B,A"}).stores == ("A", "B")


@pytest.mark.parametrize("username", ["", "a:b"])
def test_a_wrong_user_name(username: str) -> None:
    with pytest.raises(SettingsInvalid, match="username"):
        parse_credentials({**PROOF, "username": username}, GIVEN)


@pytest.mark.parametrize(
    ("charset", "expected"),
    [("utf-8", "Basic YXBpOsW+bHXFpQ=="), ("windows-1250", "Basic YXBpOp5sdZ0=")],
)
def test_credentials_in_either_charset(charset: str, expected: str) -> None:
    credentials = parse_credentials(PROOF, {"credentials_charset": charset})
    assert basic_authorization(credentials) == expected


def test_credentials_never_show_themselves() -> None:
    assert "žluť" not in repr(parse_credentials(PROOF, GIVEN))


def test_a_password_that_the_charset_lacks() -> None:
    with pytest.raises(SettingsInvalid, match="password"):
        parse_credentials({**PROOF, "password": "Ж"}, {"credentials_charset": "windows-1250"})


def test_the_system_describes_itself() -> None:
    assert (POHODA.id, POHODA.default_meaning, POHODA.max_keys) == (
        "pohoda",
        Meaning.NET_OF_RESERVATIONS,
        255,
    )
    assert all(field.label and field.help for field in POHODA.fields)
    assert {field.name for field in POHODA.fields if field.required} == {"url", "username", "ico"}
    secrets = {field.name for field in POHODA.fields if field.secret}
    assert secrets == {"username", "password"}

"""What a connection to Pohoda is set to, checked; facts that installations differ in are here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stock.warehouses.errors import SettingsInvalid
from stock.warehouses.pohoda.charset import UTF_8, WINDOWS_1250, holds
from stock.warehouses.pohoda.fields import DEFAULTS

MAX_STORES: Final = 100
MAX_PAGE_RECORDS: Final = 10_000
MAX_REFERENCE_CHARACTERS: Final = 19
MAX_ICO_CHARACTERS: Final = 15
MAX_COMPANY_CHARACTERS: Final = 255
MAX_EXTERNAL_SYSTEM_CHARACTERS: Final = 64
MAX_TIMEOUT_SECONDS: Final = 3_600
MAX_OVERLAP_SECONDS: Final = 86_400
MAX_MAPPINGS: Final = 100

VAT_BY_EDITION: Final = {
    "cz": {Decimal(21): "high", Decimal(12): "low", Decimal(0): "none"},
    "sk": {Decimal(23): "high", Decimal(19): "low", Decimal(5): "third", Decimal(0): "none"},
}
ROUNDINGS: Final = (
    "none", "math2one", "math2half", "math2tenth", "math5cent", "up2one", "up2half", "up2tenth",
    "down2one", "down2half", "down2tenth",
)  # fmt: skip
ORDER_TEXT_PLACEHOLDERS: Final = ("number", "channel", "shipping", "payment")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PohodaSettings:
    """The settings of one connection, typed. `fields.py` says what each means."""

    url: str
    ico: str
    stores: tuple[str, ...]
    default_store: str
    number_series: str
    reserve: bool
    currency_home: str
    edition: str
    order_text: str
    payment_types: Mapping[str, str]
    carriers: Mapping[str, str]
    default_vat: str
    other_vat_rates: str
    rounding: str
    external_system: str
    link_to_address_book: bool
    max_company_characters: int
    page_records: int
    paging: str
    targeted_filters: str
    overlap_seconds: int
    time_zone: ZoneInfo
    probe_movements: bool
    encoding: str
    connect_timeout_seconds: float
    read_timeout_seconds: float


@dataclass(frozen=True, slots=True)
class PohodaCredentials:
    """Who logs in; the value of `STW-Authorization` is made from it."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    charset: str


def parse_settings(given: Mapping[str, str]) -> PohodaSettings:
    """Check the settings. Raises SettingsInvalid naming each that is wrong."""
    form = _Form(given)
    settings = PohodaSettings(
        url=form.read("url", _url),
        ico=form.read("ico", _text(MAX_ICO_CHARACTERS, required=True)),
        stores=form.read("stores", _stores),
        default_store=form.read("default_store", _text(MAX_REFERENCE_CHARACTERS)),
        number_series=form.read("number_series", _text(MAX_REFERENCE_CHARACTERS)),
        reserve=form.read("reserve", _yes_or_no),
        currency_home=form.read("currency_home", _currency),
        edition=form.read("edition", _one_of(*VAT_BY_EDITION)),
        order_text=form.read("order_text", _order_text),
        payment_types=form.read("payment_types", _mapping),
        carriers=form.read("carriers", _mapping),
        default_vat=form.read("default_vat", _one_of("high", "low", "third", "none")),
        other_vat_rates=form.read("other_vat_rates", _one_of("refuse", "percent")),
        rounding=form.read("rounding", _one_of(*ROUNDINGS)),
        external_system=form.read(
            "external_system", _text(MAX_EXTERNAL_SYSTEM_CHARACTERS, required=True)
        ),
        link_to_address_book=form.read("link_to_address_book", _yes_or_no),
        max_company_characters=form.read(
            "max_company_characters", _integer(1, MAX_COMPANY_CHARACTERS)
        ),
        page_records=form.read("page_records", _integer(1, MAX_PAGE_RECORDS)),
        paging=form.read("paging", _one_of("id", "none")),
        targeted_filters=form.read("targeted_filters", _one_of("groups", "items")),
        overlap_seconds=form.read("overlap_seconds", _integer(0, MAX_OVERLAP_SECONDS)),
        time_zone=form.read("time_zone", _time_zone),
        probe_movements=form.read("probe_movements", _yes_or_no),
        encoding=form.read("encoding", _one_of(WINDOWS_1250, UTF_8)),
        connect_timeout_seconds=form.read(
            "connect_timeout_seconds", _integer(1, MAX_TIMEOUT_SECONDS)
        ),
        read_timeout_seconds=form.read("read_timeout_seconds", _integer(1, MAX_TIMEOUT_SECONDS)),
    )
    form.finish()
    _check_together(settings)
    return settings


def parse_credentials(given: Mapping[str, str], settings: Mapping[str, str]) -> PohodaCredentials:
    """Check the credentials. Raises SettingsInvalid naming each that is wrong."""
    form = _Form({**given, "credentials_charset": settings.get("credentials_charset", "")})
    charset = form.read("credentials_charset", _one_of(UTF_8, WINDOWS_1250))
    username = form.read("username", _username)
    form.finish()
    password = given.get("password", "")
    for name, text in (("username", username), ("password", password)):
        if not holds(text, charset):
            raise SettingsInvalid(
                {name: f"has characters that {charset} can't hold; use plain letters"}
            )
    return PohodaCredentials(username, password, charset)


class _Form:
    """Reads fields one by one and keeps what is wrong with each."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._problems: dict[str, str] = {}

    def read(self, name: str, parse: Callable[[str], T]) -> T:
        text = self._given.get(name, "").strip() or DEFAULTS.get(name, "")
        try:
            return parse(text)
        except ValueError as error:
            self._problems[name] = str(error)
            return cast("T", None)  # nobody sees it: `finish` raises

    def finish(self) -> None:
        if self._problems:
            raise SettingsInvalid(self._problems)


def _check_together(settings: PohodaSettings) -> None:
    if settings.default_store and settings.stores and settings.default_store not in settings.stores:
        raise SettingsInvalid({"default_store": "is not among the stores of the connection"})
    for name in ("ico", "default_store", "number_series", "external_system"):
        if not holds(getattr(settings, name), settings.encoding):
            raise SettingsInvalid({name: f"has characters that {settings.encoding} can't hold"})
    if any(not holds(store, settings.encoding) for store in settings.stores):
        raise SettingsInvalid({"stores": f"has characters that {settings.encoding} can't hold"})


def _url(text: str) -> str:
    if " " in text or not text.isprintable():
        raise ValueError("must be an address alone, without blanks or control characters")
    stripped = text.rstrip("/").removesuffix("/xml")
    parts = urlsplit(stripped)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be the mServer's address, such as http://pohoda.example.com:444")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be an address alone, without user name, question mark or hash")
    _ = parts.port  # raises ValueError where it isn't a port
    return stripped


def _text(max_characters: int, *, required: bool = False) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if required and not text:
            raise ValueError("is required")
        if len(text) > max_characters:
            raise ValueError(f"has {len(text)} characters; Pohoda takes at most {max_characters}")
        return text

    return parse


def _integer(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.lower()

    return parse


def _yes_or_no(text: str) -> bool:
    return _one_of("true", "false")(text) == "true"


def _stores(text: str) -> tuple[str, ...]:
    stores = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(stores) > MAX_STORES:
        raise ValueError(f"names {len(stores)} stores; at most {MAX_STORES} are allowed")
    for store in stores:
        if len(store) > MAX_REFERENCE_CHARACTERS or "/" in store:
            raise ValueError(f"{store!r} is not a store's code (at most 19 characters, no slash)")
    return stores


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isalpha():  # noqa: PLR2004 - ISO 4217
        raise ValueError("must be a currency code of three letters, such as CZK")
    return text.upper()


def _order_text(text: str) -> str:
    rest = text
    for name in ORDER_TEXT_PLACEHOLDERS:
        rest = rest.replace("{" + name + "}", "")
    if "{" in rest or "}" in rest:
        known = ", ".join("{" + name + "}" for name in ORDER_TEXT_PLACEHOLDERS)
        raise ValueError(f"may hold only these in braces: {known}")
    return text


def _mapping(text: str) -> dict[str, str]:
    """Read `what the shop says = what Pohoda says`, one a line or between semicolons."""
    pairs: dict[str, str] = {}
    for line in text.replace(";", "\n").splitlines():
        if not line.strip():
            continue
        left, equals, right = line.partition("=")
        if not equals or not left.strip() or not right.strip():
            raise ValueError(f"{line.strip()!r} is not of the form “shop's name = Pohoda's name”")
        pairs[left.strip().casefold()] = right.strip()
    if len(pairs) > MAX_MAPPINGS:
        raise ValueError(f"has {len(pairs)} lines; at most {MAX_MAPPINGS} are allowed")
    return pairs


def _time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Europe/Prague") from error


def _username(text: str) -> str:
    if not text:
        raise ValueError("is required")
    if ":" in text:
        raise ValueError("must not contain a colon")
    return text

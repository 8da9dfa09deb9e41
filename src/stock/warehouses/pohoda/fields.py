"""The settings and credentials that a Pohoda connection asks for, as a person sees them."""

from typing import Final

from stock.warehouses.port import SystemField

FIELDS: Final = (
    SystemField(
        "url",
        "Address of the mServer",
        "Such as http://pohoda.example.com:444. One mServer serves one accounting unit.",
        required=True,
    ),
    SystemField(
        "username",
        "User name",
        "A user of Pohoda with the rights “Datová komunikace” and “POHODA mServer”. "
        "Plain letters without diacritics are safest.",
        required=True,
        secret=True,
    ),
    SystemField("password", "Password", "The password of that user.", secret=True),
    SystemField(
        "ico",
        "IČO of the accounting unit",
        "Pohoda refuses requests whose IČO is not that of the unit the mServer runs for.",
        required=True,
    ),
    SystemField(
        "stores",
        "Stores",
        "Codes of the stores (sklady) to read, separated by commas. Empty means all of them.",
    ),
    SystemField(
        "default_store",
        "Default store",
        "The store whose cards order lines take when they name none.",
    ),
    SystemField(
        "number_series",
        "Number series",
        "Prefix of the series that imported orders are numbered in. Empty means Pohoda's default.",
    ),
    SystemField(
        "reserve",
        "Reserve stock",
        "Whether imported orders reserve their goods in Pohoda (true or false).",
        default="true",
    ),
    SystemField(
        "currency_home",
        "Home currency",
        "Currency of the accounting unit; orders in others are imported in a foreign currency.",
        default="CZK",
    ),
    SystemField(
        "edition",
        "Edition",
        "Country of the program: cz (VAT 21 % high, 12 % low) or sk (23 % high, 19 % low, "
        "5 % third).",
        default="cz",
    ),
    SystemField(
        "default_vat",
        "VAT where the order is silent",
        "Rate for lines without one: high, low, third (Slovakia only) or none.",
        default="high",
    ),
    SystemField(
        "other_vat_rates",
        "Other VAT rates",
        "What to do with a rate that the edition lacks: refuse the order, or send it as percent "
        "(Pohoda takes it only where historical rates are allowed in its global settings).",
        default="refuse",
    ),
    SystemField(
        "order_text",
        "Text of the order",
        "Text of imported orders; {number}, {channel}, {shipping} and {payment} are filled in.",
        default="Objednávka {number} ({channel})",
    ),
    SystemField(
        "payment_types",
        "Payment types",
        "One a line: payment method of the shop, by its name or as bank_transfer, gateway, "
        "cash_on_delivery, marketplace or cash = draft, cash, postal, delivery, creditcard, "
        "advance, encashment, cheque, compensation or a name from Pohoda's list.",
    ),
    SystemField(
        "carriers",
        "Carriers",
        "One a line: shipping method of the shop = code from Pohoda's list of carriers. "
        "Others are not sent.",
    ),
    SystemField(
        "rounding",
        "Rounding",
        "How Pohoda rounds orders in the home currency: none, math2one, math2half, math2tenth, "
        "math5cent, up2one, up2half, up2tenth, down2one, down2half or down2tenth.",
        default="none",
    ),
    SystemField(
        "external_system",
        "External system",
        "Name under which Pohoda keeps Spojka's ids of orders. Don't change it later: orders "
        "imported before could not be found.",
        default="spojka",
    ),
    SystemField(
        "link_to_address_book",
        "Link to the address book",
        "Whether Pohoda links an order to the customer's entry in its address book when exactly "
        "one matches (true or false).",
        default="false",
    ),
    SystemField(
        "max_company_characters",
        "Longest company name",
        "Older versions of Pohoda take 96 characters.",
        default="255",
    ),
    SystemField(
        "page_records",
        "Cards per request",
        "How many cards one request of a reading asks for, 1 to 10000. Orders are imported "
        "between the requests.",
        default="1000",
    ),
    SystemField(
        "paging",
        "Paging",
        "id reads page by page in order of the cards' ids; none asks for all cards at once.",
        default="id",
    ),
    SystemField(
        "targeted_filters",
        "Requests for named cards",
        "groups repeats the filter in one list, items sends a list for each card.",
        default="groups",
    ),
    SystemField(
        "overlap_seconds",
        "Overlap of incremental readings",
        "How far before the last reading an incremental one looks back, in seconds; an hour is "
        "added around changes of summer time.",
        default="120",
    ),
    SystemField(
        "time_zone",
        "Time zone",
        "Of the computer that Pohoda runs on.",
        default="Europe/Prague",
    ),
    SystemField(
        "probe_movements",
        "Watch movements",
        "Whether stock movements are asked for every minute (true or false).",
        default="true",
    ),
    SystemField(
        "encoding",
        "Encoding of requests",
        "windows-1250, or utf-8 where the mServer takes it.",
        default="windows-1250",
    ),
    SystemField(
        "credentials_charset",
        "Charset of the credentials",
        "In which user name and password are sent: utf-8 or windows-1250.",
        default="utf-8",
    ),
    SystemField(
        "connect_timeout_seconds",
        "Connect time-out",
        "Seconds to wait for a connection.",
        default="10",
    ),
    SystemField(
        "read_timeout_seconds",
        "Answer time-out",
        "Seconds to wait for an answer; Pohoda answers one request at a time.",
        default="120",
    ),
)
CREDENTIALS: Final = frozenset({"username", "password"})
DEFAULTS: Final = {field.name: field.default for field in FIELDS}

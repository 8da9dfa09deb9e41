"""Writing answers. Markup is built as text: a page of 1,000 cards has 25,000 elements."""

from decimal import Decimal

_VENDOR = "http://www.stormware.cz/schema/version_2/"

# As the real mServer does, the root declares every prefix whether it is used or not.
PREFIXES = {
    "rsp": "response.xsd",
    "rdc": "documentresponse.xsd",
    "typ": "type.xsd",
    "lst": "list.xsd",
    "lStk": "list_stock.xsd",
    "lAdb": "list_addBook.xsd",
    "lCen": "list_centre.xsd",
    "lAcv": "list_activity.xsd",
    "acu": "accountingunit.xsd",
    "inv": "invoice.xsd",
    "vch": "voucher.xsd",
    "int": "intDoc.xsd",
    "stk": "stock.xsd",
    "ord": "order.xsd",
    "ofr": "offer.xsd",
    "enq": "enquiry.xsd",
    "vyd": "vydejka.xsd",
    "pri": "prijemka.xsd",
    "bal": "balance.xsd",
    "pre": "prevodka.xsd",
    "vyr": "vyroba.xsd",
    "pro": "prodejka.xsd",
    "con": "contract.xsd",
    "adb": "addressbook.xsd",
    "prm": "parameter.xsd",
    "lCon": "list_contract.xsd",
    "ctg": "category.xsd",
    "ipm": "intParam.xsd",
    "str": "storage.xsd",
    "idp": "individualPrice.xsd",
    "sup": "supplier.xsd",
    "prn": "print.xsd",
    "lck": "lock.xsd",
    "isd": "isdoc.xsd",
    "sEET": "sendEET.xsd",
    "act": "accountancy.xsd",
    "bnk": "bank.xsd",
    "sto": "store.xsd",
    "grs": "groupStocks.xsd",
    "acp": "actionPrice.xsd",
    "csh": "cashRegister.xsd",
    "bka": "bankAccount.xsd",
    "ilt": "inventoryLists.xsd",
    "nms": "numericalSeries.xsd",
    "pay": "payment.xsd",
    "mKasa": "mKasa.xsd",
    "gdp": "GDPR.xsd",
    "est": "establishment.xsd",
    "cen": "centre.xsd",
    "acv": "activity.xsd",
    "ftr": "filter.xsd",
    "mov": "movement.xsd",
    "srv": "service.xsd",
    "rul": "rulesPairing.xsd",
}
NAMESPACES = {prefix: _VENDOR + file for prefix, file in PREFIXES.items()} | {
    "dat": _VENDOR + "data.xsd"
}
ROOT_NAMESPACES = {f"xmlns:{prefix}": NAMESPACES[prefix] for prefix in PREFIXES}
DECLARATION = '<?xml version="1.0" encoding="Windows-1250"?>\n'


def escape(text: str) -> str:
    """Make text safe inside an element or a quoted attribute."""
    if text.isalnum():
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("\r", "&#13;")


def _quoted(value: str) -> str:
    """Escape an attribute; a parser would make spaces of plain line ends and tabs."""
    return escape(value).replace("\n", "&#10;").replace("\t", "&#9;")


def element(name: str, content: str = "", /, **attributes: str) -> str:
    """Write an element around markup."""
    return tag(name, content, attributes)


def tag(name: str, content: str, attributes: dict[str, str]) -> str:
    """Write an element around markup; for attributes whose names are no Python names."""
    listed = "".join(f' {key}="{_quoted(value)}"' for key, value in attributes.items())
    return f"<{name}{listed}>{content}</{name}>" if content else f"<{name}{listed}/>"


def leaf(name: str, value: object) -> str:
    """Write an element with a value; nothing for None. Numbers come as `25.0`, words as is."""
    if value is None:
        return ""
    if value is True or value is False:
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    if isinstance(value, Decimal):
        return f"<{name}>{number(value)}</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


def number(value: Decimal) -> str:
    """Write a number as POHODA writes floats: without an exponent, always with a fraction."""
    text = format(value.normalize(), "f")
    return text if "." in text else f"{text}.0"


def encode(text: str) -> bytes:
    """Encode an answer. What Windows-1250 lacks becomes a question mark, as on its screens."""
    return text.encode("cp1250", errors="replace")

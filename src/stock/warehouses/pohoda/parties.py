"""The customer and the place of delivery on an order."""

from typing import Final

from lxml import etree

from stock.warehouses.pohoda.names import add
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.texts import Texts
from stock.warehouses.port import Party

# Lengths of addressType in type.xsd.
MAX_NAME: Final = 64
MAX_CITY: Final = 45
MAX_STREET: Final = 64
MAX_POSTAL_CODE: Final = 15
MAX_COMPANY_ID: Final = 15
MAX_TAX_ID: Final = 18
MAX_COUNTRY: Final = 19
MAX_PHONE: Final = 40
MAX_MOBILE: Final = 24
MAX_EMAIL: Final = 98


def add_partner(
    header: etree._Element,
    billing: Party,
    shipping: Party | None,
    settings: PohodaSettings,
    texts: Texts,
) -> None:
    """Add the partner; Pohoda requires an address even when all of it is empty."""
    partner = add(header, "ord:partnerIdentity")
    address = add(partner, "typ:address")
    if settings.link_to_address_book:
        address.set("linkToAddress", "true")
    _add_place(address, billing, settings, texts)
    _add_text(address, "typ:ico", texts.exact("IČO", billing.company_id, MAX_COMPANY_ID))
    _add_text(address, "typ:dic", texts.exact("DIČ", billing.tax_id, MAX_TAX_ID))
    _add_text(address, "typ:icDph", texts.exact("IČ DPH", billing.vat_id, MAX_TAX_ID))
    _add_country(address, billing, texts)
    mobile = len(" ".join(billing.phone.split())) <= MAX_MOBILE
    _add_text(
        address,
        "typ:mobilPhone" if mobile else "typ:phone",
        texts.exact("phone", billing.phone, MAX_MOBILE if mobile else MAX_PHONE),
    )
    _add_text(address, "typ:email", texts.exact("e-mail", billing.email, MAX_EMAIL))
    if shipping is None:
        return
    delivery = add(partner, "typ:shipToAddress")
    _add_place(delivery, shipping, settings, texts)
    _add_country(delivery, shipping, texts)
    _add_text(delivery, "typ:phone", texts.exact("phone", shipping.phone, MAX_PHONE))
    _add_text(delivery, "typ:email", texts.exact("e-mail", shipping.email, MAX_EMAIL))


def _add_place(
    address: etree._Element, party: Party, settings: PohodaSettings, texts: Texts
) -> None:
    company = texts.line("company", party.company, settings.max_company_characters)
    _add_text(address, "typ:company", company)
    _add_text(address, "typ:name", texts.line("name", party.name, MAX_NAME))
    _add_text(address, "typ:city", texts.line("city", party.city, MAX_CITY))
    _add_text(address, "typ:street", texts.line("street", party.street, MAX_STREET))
    _add_text(address, "typ:zip", texts.exact("postal code", party.postal_code, MAX_POSTAL_CODE))


def _add_country(address: etree._Element, party: Party, texts: Texts) -> None:
    country = texts.exact("country", party.country, MAX_COUNTRY)
    if country:
        add(add(address, "typ:country"), "typ:ids", country)


def _add_text(parent: etree._Element, name: str, text: str) -> None:
    if text:
        add(parent, name, text)

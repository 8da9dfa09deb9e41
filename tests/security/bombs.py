"""Documents made to reach out, to grow, or to sink whoever reads them."""

import gzip
import zlib
from collections.abc import Mapping
from functools import cache

from tests.security.careless import REQUEST_ID

MEGABYTE = 1024 * 1024
RSP = "http://www.stormware.cz/schema/version_2/response.xsd"
LST = "http://www.stormware.cz/schema/version_2/list_stock.xsd"
STK = "http://www.stormware.cz/schema/version_2/stock.xsd"


def pack(inner: str, *, before: str = "") -> bytes:
    """A good answer around something."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        f'<rsp:responsePack xmlns:rsp="{RSP}" xmlns:lStk="{LST}" xmlns:stk="{STK}" version="2.0" '
        f'id="{REQUEST_ID}" state="ok" ico="12345678" programVersion="1">'
        f'<rsp:responsePackItem version="2.0" id="stock" state="ok">'
        f'<lStk:listStock version="2.0" state="ok">{inner}</lStk:listStock>'
        f"</rsp:responsePackItem></rsp:responsePack>"
    ).encode()


def card(name: str) -> str:
    """One card of a list."""
    return (
        f"<lStk:stock version='2.0'><stk:stockHeader><stk:id>1</stk:id><stk:code>A</stk:code>"
        f"<stk:name>{name}</stk:name><stk:count>1</stk:count></stk:stockHeader></lStk:stock>"
    )


def documents(secret_file: str, url: str) -> Mapping[str, bytes]:
    """Hostile XML by what it tries; `secret_file` and `url` are what must not be read or asked."""
    laughs = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(12)
    )
    return {
        "external entity": pack(
            card("&x;"), before=f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret_file}">]>'
        ),
        "external entity over HTTP": pack(
            card("&x;"), before=f'<!DOCTYPE a [<!ENTITY x SYSTEM "{url}/entity">]>'
        ),
        "parameter entity": pack(
            card("x"), before=f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{url}/parameter"> %p;]>'
        ),
        "external DTD": pack(card("x"), before=f'<!DOCTYPE a SYSTEM "{url}/dtd">'),
        "public DTD": pack(card("x"), before=f'<!DOCTYPE a PUBLIC "-//A//B" "{url}/public">'),
        "stylesheet": pack(
            card("x"), before=f'<?xml-stylesheet type="text/xsl" href="{url}/stylesheet"?>'
        ),
        "schema location": pack(
            f'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="{LST} {url}/schema"/>'
        ),
        "XInclude": pack(
            card(
                f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" '
                f'href="file://{secret_file}"/>'
            )
        ),
        "billion laughs": pack(card("&l11;"), before=f"<!DOCTYPE a [{laughs}]>"),
        "quadratic blowup": pack(
            card("&b;" * 50_000), before=f'<!DOCTYPE a [<!ENTITY b "{"b" * 50_000}">]>'
        ),
        "default attributes": pack(
            card("<b/>" * 10_000),
            before=f'<!DOCTYPE a [<!ATTLIST b c CDATA "{"c" * 50_000}">]>',
        ),
        "deep nesting": pack("<a>" * 100_000),
        "huge text": pack(card("x" * (12 * MEGABYTE))),
        "huge attribute": pack(f'<a b="{"x" * (12 * MEGABYTE)}"/>'),
        "many attributes": pack(
            f"<a {' '.join(f'a{n}=$$' for n in range(100_000))}/>".replace("$", "'")
        ),
        "many namespaces": pack(
            "".join(f'<a{n} xmlns:n{n}="urn:{n}">' for n in range(200)) + "<b/>" * 50_000
        ),
        "huge number": pack(card("x").replace("<stk:count>1", f"<stk:count>{'9' * 1_000_000}")),
        "number without end": pack(
            card("x").replace("<stk:count>1", f"<stk:count>0.{'3' * 1_000_000}")
        ),
        "huge exponent": pack(card("x").replace("<stk:count>1", "<stk:count>1e999999999")),
        "no number": pack(card("x").replace("<stk:count>1", "<stk:count>NaN")),
        "another encoding": pack(card("x")).replace(b"UTF-8", b"UTF-7"),
        "an encoding that there is not": pack(card("x")).replace(b"UTF-8", b"../../etc"),
        "zeros": b"\0" * MEGABYTE,
        "nothing": b"",
    }


@cache
def gzip_bomb(megabytes: int) -> bytes:
    """So many megabytes of one letter."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed = [packer.compress(b"<" * MEGABYTE) for _ in range(megabytes)]
    return b"".join([*packed, packer.flush()])


@cache
def nested_gzip_bomb(megabytes: int) -> bytes:
    """The same once more: each layer is a thousandth of the next."""
    return gzip.compress(gzip.compress(gzip_bomb(megabytes)))

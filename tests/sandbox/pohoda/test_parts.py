"""Small parts with properties of their own: markup, numbers, prices, tables, faults."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sandbox.pohoda import markup, pricing
from sandbox.pohoda.faults import Effect, Fault, Faults
from sandbox.pohoda.packs import Kind
from sandbox.pohoda.records import Line, VatRate
from sandbox.pohoda.table import Table

# Everything that an XML document in Windows-1250 can carry.
TEXTS = st.text(
    st.sampled_from(
        [
            *"\t\n\r",
            *(
                letter
                for byte in range(0x20, 0x100)
                if (letter := bytes([byte]).decode("cp1250", "ignore")) and letter != "\x7f"
            ),
        ]
    )
)
NUMBERS = st.decimals(-(10**9), 10**9, places=4)


@given(TEXTS, TEXTS)
def test_any_text_survives_in_an_element_and_in_an_attribute(inside: str, attribute: str) -> None:
    written = markup.tag("a", markup.leaf("b", inside), {"c": attribute})
    read = etree.fromstring(markup.encode(markup.DECLARATION + written))
    assert read.findtext("b") == inside
    assert read.get("c") == attribute


@given(NUMBERS)
def test_numbers_are_written_without_exponent_and_with_a_fraction(value: Decimal) -> None:
    written = markup.number(value)
    assert Decimal(written) == value
    assert "." in written
    assert "E" not in written


@given(
    quantity=st.decimals("0.01", "999", places=2),
    unit=st.decimals(0, 99_999, places=2),
    rate=st.sampled_from(VatRate),
    pays_vat=st.booleans(),
)
def test_vat_and_base_make_the_sum(
    quantity: Decimal, unit: Decimal, rate: VatRate, pays_vat: bool
) -> None:
    line = Line(0, "", quantity, unit_price=unit, vat_rate=rate, pays_vat=pays_vat)
    price = pricing.price(line, None)
    assert price.without_vat + price.vat == price.with_vat
    full = price.with_vat if pays_vat else price.without_vat
    assert abs(full - quantity * unit) <= Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    key: str


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["a", "b", None]))))
def test_a_table_answers_as_a_plain_dictionary_would(steps: list[tuple[int, str | None]]) -> None:
    table = Table("rows", Row, key=lambda row: [row.key])
    plain: dict[int, Row] = {}
    for row_id, key in steps:
        if key is not None:
            plain[row_id] = table.put(Row(row_id, key))
        elif row_id in plain:
            del plain[row_id]
            table.drop(row_id)
    rows = [plain[row_id] for row_id in sorted(plain)]
    assert list(table) == rows
    assert list(table.since(5)) == [row for row in rows if row.id >= 5]
    assert table.find("key", "a") == [row for row in rows if row.key == "a"]
    saved = {row_id: row for row_id, row in table.take_changes() if row is not None}
    assert saved == plain
    assert table.take_changes() == []


@given(
    times=st.lists(st.one_of(st.none(), st.integers(1, 4)), max_size=4),
    requests=st.lists(st.sampled_from([Kind.IMPORT, Kind.STOCK_LIST]), max_size=8),
)
def test_a_fault_hits_its_kind_as_often_as_said(
    times: list[int | None], requests: list[Kind]
) -> None:
    faults = Faults()
    for often in times:
        faults.add(Fault(Effect.CUT, frozenset({Kind.IMPORT}), often))
    hits = sum(len(faults.take(frozenset({kind}))) for kind in requests)
    imports = requests.count(Kind.IMPORT)
    assert hits == sum(imports if often is None else min(often, imports) for often in times)

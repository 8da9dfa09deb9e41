"""What a document nets of the lines that were sent, however people re-arranged it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock.domain.netting import (
    SentLine,
    delivered_by_line,
    missing_lines,
    netted,
    netted_by_line,
)
from stock.warehouses.port import Document, DocumentLine, Meaning

ZERO = Decimal(0)
quantities = st.integers(1, 9).map(Decimal)
products = st.sampled_from(["A", "B"])
warehouses = st.sampled_from(["MAIN", "SHOP"])
meanings = st.sampled_from(Meaning)


@st.composite
def sent_lines(draw: st.DrawFn) -> list[SentLine]:
    wanted = draw(st.lists(st.tuples(products, warehouses, quantities), min_size=1, max_size=5))
    return [SentLine(str(place), *line) for place, line in enumerate(wanted, 1)]


@st.composite
def faithful(draw: st.DrawFn) -> tuple[list[SentLine], Document]:
    """Lines as they were sent, and the document they made, some of it delivered."""
    sent = draw(sent_lines())
    lines = tuple(
        DocumentLine(
            line.product_number,
            line.warehouse,
            line.quantity,
            Decimal(draw(st.integers(0, int(line.quantity)))),
        )
        for line in sent
    )
    document = Document(
        "D1",
        "1",
        "x",
        reserved=draw(st.booleans()),
        executed=draw(st.booleans()),
        cancelled=draw(st.booleans()),
        linked=False,
        lines=lines,
    )
    return sent, document


@pytest.mark.parametrize(
    ("meaning", "reserved", "expected"),
    [
        (Meaning.PHYSICAL, True, 1),
        (Meaning.PHYSICAL, False, 1),
        (Meaning.NET_OF_RESERVATIONS, True, 5),
        (Meaning.NET_OF_RESERVATIONS, False, 1),
        (Meaning.NET_OF_ORDERS, True, 5),
        (Meaning.NET_OF_ORDERS, False, 5),
    ],
)
def test_each_meaning_nets_its_own(meaning: Meaning, expected: int, *, reserved: bool) -> None:
    line = DocumentLine("A", "MAIN", Decimal(5), Decimal(1))
    document = Document("D1", "1", "x", reserved, False, False, False, (line,))  # noqa: FBT003
    assert netted(document, line, meaning) == expected
    assert netted(replace(document, cancelled=True), line, meaning) == 1


@given(faithful(), meanings)
def test_a_document_left_alone_nets_line_by_line(
    case: tuple[list[SentLine], Document], meaning: Meaning
) -> None:
    sent, document = case
    found = netted_by_line(document, sent, meaning)
    expected: dict[tuple[str | None, str | None], Decimal] = {}
    for line in document.lines:
        key = line.product_number, line.warehouse
        part = line.quantity if document.executed else netted(document, line, meaning)
        expected[key] = expected.get(key, ZERO) + part
    for key, quantity in expected.items():
        of_key = [line for line in sent if (line.product_number, line.warehouse) == key]
        assert sum(found[line.line_id] for line in of_key) == quantity
    assert all(ZERO <= found[line.line_id] <= line.quantity for line in sent)


@given(faithful(), meanings, st.data())
def test_lines_that_people_sorted_split_or_joined_net_the_same(
    case: tuple[list[SentLine], Document],
    meaning: Meaning,
    data: st.DataObject,
) -> None:
    sent, document = case
    split: list[DocumentLine] = []
    for line in document.lines:
        part = Decimal(data.draw(st.integers(0, int(line.quantity))))
        gone = min(part, line.delivered)
        split += [
            replace(line, quantity=part, delivered=gone),
            replace(line, quantity=line.quantity - part, delivered=line.delivered - gone),
        ]
    split = data.draw(st.permutations(split))
    joined: dict[tuple[str | None, str | None], DocumentLine] = {}
    for line in document.lines:
        key = line.product_number, line.warehouse
        before = joined.get(key, DocumentLine(*key, ZERO, ZERO))
        joined[key] = replace(
            before,
            quantity=before.quantity + line.quantity,
            delivered=before.delivered + line.delivered,
        )
    expected = netted_by_line(document, sent, meaning)
    for lines in (tuple(split), tuple(joined.values())):
        assert netted_by_line(replace(document, lines=lines), sent, meaning) == expected
        assert delivered_by_line(replace(document, lines=lines), sent) == delivered_by_line(
            document, sent
        )


@given(faithful(), meanings)
def test_other_goods_on_the_document_net_nothing_of_ours(
    case: tuple[list[SentLine], Document], meaning: Meaning
) -> None:
    sent, document = case
    gift = DocumentLine("GIFT", "MAIN", Decimal(3), Decimal(3))
    text = DocumentLine(None, None, Decimal(1), ZERO)
    with_gift = replace(document, lines=(gift, text, *document.lines))
    assert netted_by_line(with_gift, sent, meaning) == netted_by_line(document, sent, meaning)


@given(sent_lines(), meanings)
def test_a_document_that_is_gone_nets_nothing_and_a_settled_one_all(
    sent: list[SentLine], meaning: Meaning
) -> None:
    assert not any(netted_by_line(None, sent, meaning).values())
    settled = Document("D1", "1", "x", False, True, False, True, ())  # noqa: FBT003
    assert netted_by_line(settled, sent, meaning) == {line.line_id: line.quantity for line in sent}


@given(faithful())
def test_lines_are_missing_until_all_of_them_is_delivered(
    case: tuple[list[SentLine], Document],
) -> None:
    sent, document = case
    delivered = delivered_by_line(document, sent)
    missing = missing_lines(delivered, sent)
    assert bool(missing) is any(line.delivered < line.quantity for line in document.lines)

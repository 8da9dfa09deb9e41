"""Where a mail ends on the wire, whatever pieces it comes in."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.smtp.data import MailData

LIMIT = 200


def collected(wire: bytes, cuts: list[int], *, limit: int = LIMIT, drain: int = 50) -> MailData:
    data = MailData(limit, drain)
    places = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
    for start, end in pairwise(places):
        if data.ended or data.cut:
            data.rest += wire[start:end]
        else:
            data.feed(wire[start:end])
    return data


def stuffed(content: bytes) -> bytes:
    """As a client sends it (RFC 5321, section 4.5.2)."""
    lines = content.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"a", b"MAIL FROM:<x@y>", b"\x00\xff"]),
    max_size=30,
)
CUTS = st.lists(st.integers(0, 300), max_size=20)


@given(PIECES, CUTS, PIECES)
def test_what_is_sent_comes_out_however_it_is_cut(
    pieces: list[bytes], cuts: list[int], after: list[bytes]
) -> None:
    content = b"".join(pieces) + b"\r\n"
    data = collected(stuffed(content) + b".\r\n" + b"".join(after), cuts, limit=10_000)
    assert data.ended
    assert data.content() == content
    assert data.rest == b"".join(after)


@given(PIECES, CUTS)
def test_only_crlf_dot_crlf_ends_a_mail(pieces: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(pieces)
    data = collected(wire, cuts, limit=10_000)
    assert data.ended == (b"\r\n.\r\n" in b"\r\n" + wire)


@given(st.integers(0, 600), CUTS)
def test_what_is_held_never_exceeds_the_limit(length: int, cuts: list[int]) -> None:
    data = collected(b"a" * length, cuts)
    assert len(data.content()) <= LIMIT
    assert data.too_large == (length > LIMIT)
    assert data.cut == (length > LIMIT + 50)


def test_a_large_mail_is_answered_once_its_end_is_seen() -> None:
    data = MailData(10, 1000)
    for byte in b"a" * 500 + b"\r\n.\r\nQUIT\r\n":
        data.feed(bytes([byte]))
        if data.ended:
            break
    assert data.ended
    assert data.too_large
    assert not data.cut


def test_an_empty_mail_has_no_content() -> None:
    assert collected(b".\r\nQUIT\r\n", []).content() == b""


def test_a_mail_of_exactly_the_limit_is_taken() -> None:
    for length, too_large in ((LIMIT, False), (LIMIT + 1, True)):
        content = b"a" * (length - 2) + b"\r\n"
        data = collected(content + b".\r\n", [])
        assert data.too_large is too_large
        assert too_large or data.content() == content

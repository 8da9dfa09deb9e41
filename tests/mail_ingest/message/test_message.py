"""From a mail's bytes to its texts: charsets, encodings, structure, HTML, limits."""

import pytest

from mail_ingest.message.headers import MessageError
from mail_ingest.message.html import HTML_TAGS_MAX, html_to_text
from mail_ingest.message.mail import Message, open_message
from mail_ingest.message.structure import DEPTH_MAX, MESSAGE_BYTES_MAX, PARTS_MAX
from mail_ingest.message.text import LINE_CHARACTERS_MAX, Text, fold
from tests.mail_ingest import letters


def texts(message: Message) -> list[str]:
    return [text.original for text in message.texts()]


def raw(body: bytes, charset: str = "utf-8", encoding: str = "8bit") -> bytes:
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}"
    return head.encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["utf-8", "windows-1250", "iso-8859-2"])
def test_every_way_of_sending_a_text_gives_the_text(charset: str, encoding: str) -> None:
    body = "žluťoučký kůň\u00a0úpěl = ďábelské ódy"
    message = open_message(letters.mail(body, charset=charset, encoding=encoding))
    assert texts(message) == [body.replace("\u00a0", " ")]


@pytest.mark.parametrize("name", ["Cp1250", "x-cp1250", "WINDOWS-1250", '"windows-1250"'])
def test_banks_names_of_charsets_are_known(name: str) -> None:
    assert texts(open_message(raw("Čšťžľ".encode("cp1250"), name))) == ["Čšťžľ"]


@pytest.mark.parametrize("name", ["utf-8", "us-ascii", "klingon", "utf-7", "hex", "iso-8859-2"])
def test_bytes_that_are_not_their_charset_are_windows_1250(name: str) -> None:
    assert texts(open_message(raw("Příšerně š".encode("cp1250"), name))) == ["Příšerně š"]


def test_the_transfer_encoding_is_undone_once() -> None:
    link = "https://bank.example/?key=aa&amp=SAC"
    assert texts(open_message(raw(link.encode()))) == [link]
    assert texts(open_message(letters.mail("=3D and =C5=99"))) == ["=3D and =C5=99"]


@pytest.mark.parametrize(
    "bad", [raw(b"abc!?%", encoding="base64"), raw(b"abcde", encoding="base64"), raw(b"x", "", "x")]
)
def test_a_damaged_transfer_encoding_is_refused(bad: bytes) -> None:
    with pytest.raises(MessageError):
        texts(open_message(bad))


def test_plain_parts_come_first_and_only_the_first_html() -> None:
    message = open_message(
        letters.multipart(
            letters.part("<p>one</p>", "text/html"),
            letters.part("two"),
            letters.part("<p>three</p>", "text/html"),
            letters.part("four"),
        )
    )
    assert texts(message) == ["two", "four", "one"]


def test_signed_and_nested_parts_are_reached_attachments_are_not() -> None:
    inner = letters.multipart(letters.part("inside"), kind="alternative", boundary="inner")
    inner = inner[inner.index(b"Content-Type: multipart") :]
    message = open_message(
        letters.multipart(
            inner,
            letters.part("x", "application/pkcs7-signature", name="smime.p7s"),
            letters.part("attached", disposition='attachment; filename="a.txt"'),
            letters.part("Subject: x\r\n\r\nforwarded", "message/rfc822"),
            kind="signed",
        )
    )
    assert texts(message) == ["inside"]


def test_text_outside_the_parts_is_not_read() -> None:
    mail = letters.multipart(letters.part("inside"))
    forged = mail.replace(b"\r\n\r\n--b0", b"\r\n\r\nVS: 26000001\r\n--b0", 1) + b"VS: 2\r\n"
    assert texts(open_message(forged)) == ["inside"]


def test_html_becomes_lines_cells_and_nothing_hidden() -> None:
    html = (
        "<html><head><title>no</title><style>p{padding:4px}</style></head><body>"
        "<!-- VS: 1 --><p>V&yacute;še&nbsp;1&nbsp;000</p>a<br>b"
        "<table><tr><td>VS</td><td>26</td></tr><tr><td>KS</td><td></td></tr></table>"
        '<div style="DISPLAY : none">VS: 2</div><p hidden>VS: 3</p><script>VS: 4</script>'
        '<span style="color:#FFF">VS: 5</span><font color="white">VS: 6</font>'
        '<p style="background-color:#fff">seen</p><i style="font-size:0">VS: 7</i></body></html>'
    )
    text = Text.of(html_to_text(html)).original
    assert [line for line in text.split("\n") if line] == [
        "Výše 1 000", "a", "b", "VS\t26", "KS\t", "seen",
    ]  # fmt: skip


def test_folding_keeps_every_place() -> None:
    every = "".join(map(chr, range(0x110000)))
    assert len(fold(every)) == len(every)
    assert all(len(fold(letter)) == 1 for letter in every)
    text = "ŽLUŤOUČKÝ kůň – Ștefan ß ﬁ İ €"
    assert len(fold(text)) == len(text)
    assert fold("ŽLUŤOUČKÝ KŮŇ Ștefan ľščťžýáíé") == "zlutoucky kun stefan lsctzyaie"


def test_other_line_ends_and_invisible_letters_start_no_line() -> None:
    text = Text.of("a\u2028b\u0085c\x0bd\u200be\u00adf\r\ng\rh  i \n\n\n\nj")
    assert text.original == "a b c def\ng\nh i\n\nj"


@pytest.mark.parametrize(
    "bad",
    [
        b"A: b\r\n\r\n" + b"x" * MESSAGE_BYTES_MAX,
        raw(b"x" * (LINE_CHARACTERS_MAX + 1)),
        b"Content-Type: multipart/mixed\r\n\r\nx",
        b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n\r\nx",
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx",
        letters.multipart(*[letters.part("x")] * (PARTS_MAX + 1)),
        letters.mail("<p>" * (HTML_TAGS_MAX + 1), subtype="html"),
    ],
    ids=["size", "line", "no boundary", "two boundaries", "two types", "parts", "tags"],
)
def test_what_is_too_much_or_ambiguous_is_refused(bad: bytes) -> None:
    with pytest.raises(MessageError):
        texts(open_message(bad))


def test_too_deep_nesting_is_refused() -> None:
    mail = letters.part("x")
    for depth in range(DEPTH_MAX + 1):
        mail = letters.multipart(mail, boundary=f"b{depth}")
    with pytest.raises(MessageError, match="deep"):
        open_message(mail)

"""Characters: transliteration to Windows-1250, lengths, the charset of answers."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock.warehouses.errors import Unreadable
from stock.warehouses.pohoda.charset import UTF_8, WINDOWS_1250, actual_charset, adapted, holds
from stock.warehouses.pohoda.texts import Texts, cut, document_key

DECLARED_1250 = b'<?xml version="1.0" encoding="Windows-1250"?>'
DECLARED_UTF_8 = b'<?xml version="1.0" encoding="UTF-8"?>'
CZECH = st.text(alphabet="aáčďéěíňóřšťúůýžľĺŕäôÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ xyz–„“€")


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("Žluťoučký kůň", "Žluťoučký kůň"),
        ("Łódź ăîâșțȘȚ", "Łódź ăîâşţŞŢ"),
        ("Øre æble Œuvre Ñandú", "Ore aeble Oeuvre Nandú"),
        ("Київ, Щука", "Kijiv, Ščuka"),
        ("Αθήνα", "Athina"),
        ("c\u030cas", "čas"),
        ("a\u2010b\u2212c\u202fd", "a-b-c d"),
        ("½ ﬁn №5", "1/2 fin No5"),
        ("漢 😀", "? ?"),
        ("a\x00b\x1f\ud800c\u200b", "abc"),
        ("a\tb\nc", "a\tb\nc"),
    ],
)
def test_a_character_that_is_missing_becomes_the_closest(given_text: str, expected: str) -> None:
    assert adapted(given_text, WINDOWS_1250) == expected


@given(st.text())
def test_adapted_text_survives_the_encoding(text: str) -> None:
    result = adapted(text, WINDOWS_1250)
    assert result.encode("cp1250").decode("cp1250") == result
    assert adapted(result, WINDOWS_1250) == result


@given(st.text(alphabet=st.characters(codec="cp1250", categories=["L", "N", "P", "Zs"])))
def test_what_the_encoding_has_is_kept(text: str) -> None:
    assert adapted(text, WINDOWS_1250) == unicodedata.normalize("NFC", text)


@given(st.text(alphabet=st.characters(categories=["L"], max_codepoint=0x24F), min_size=1))
def test_no_latin_letter_is_lost(text: str) -> None:
    result = adapted(text, WINDOWS_1250)
    assert len(result) >= len(unicodedata.normalize("NFC", text))


@given(st.text(), st.integers(1, 40))
def test_cut_keeps_the_limit_and_parts_no_letter_from_its_marks(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert len(result) <= limit
    assert text.startswith(result)
    if len(result) == limit < len(text):
        assert not unicodedata.combining(text[limit])


def test_what_did_not_fit_is_kept_in_full() -> None:
    texts = Texts(WINDOWS_1250)
    assert texts.line("name", "x" * 70, 64) == "x" * 64
    assert texts.exact("e-mail", "y" * 99, 98) == ""
    assert texts.misfits == [f"name: {'x' * 70}", f"e-mail: {'y' * 99}"]


@given(st.text(), st.text())
def test_ids_of_documents_fit_and_differ(one: str, other: str) -> None:
    keys = document_key(one), document_key(other)
    assert all(0 < len(key) <= 64 and key.isascii() and key.isprintable() for key in keys)
    assert (keys[0] == keys[1]) == (one == other)


def test_a_usual_id_is_sent_as_it_is() -> None:
    assert document_key("eshop1:100200143:1") == "eshop1:100200143:1"


@given(CZECH)
def test_a_declared_charset_that_holds_is_believed(text: str) -> None:
    assert actual_charset(io.BytesIO(DECLARED_1250 + text.encode("cp1250"))) == WINDOWS_1250
    assert actual_charset(io.BytesIO(DECLARED_UTF_8 + text.encode("utf-8"))) == UTF_8


@pytest.mark.parametrize(
    ("document", "charset"),
    [
        (DECLARED_UTF_8 + "Židle".encode("cp1250"), WINDOWS_1250),
        (DECLARED_1250 + "Říčany".encode(), UTF_8),  # has a byte that Windows-1250 leaves undefined
        (DECLARED_1250 + "bílé prádlo".encode(), UTF_8),
        (DECLARED_1250 + "PÄŤ".encode("cp1250"), WINDOWS_1250),  # valid UTF-8, too
        (b"\xef\xbb\xbf<a/>", UTF_8),
        (b"<a/>", UTF_8),
    ],
)
def test_bytes_that_contradict_the_declaration_are_read_as_what_they_are(
    document: bytes, charset: str
) -> None:
    assert actual_charset(io.BytesIO(document)) == charset


def test_an_odd_charset_is_refused() -> None:
    with pytest.raises(Unreadable, match="utf-7"):
        actual_charset(io.BytesIO(b'<?xml version="1.0" encoding="UTF-7"?><a/>'))


def test_what_xml_forbids_is_never_held() -> None:
    assert not holds("a\x0b", UTF_8)
    assert not holds("\uffff", UTF_8)

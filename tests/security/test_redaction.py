"""Secrets are hidden in whatever form a partner writes them, and other words stay."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spojka.redaction import HIDDEN, LEAST_CHARACTERS, Redaction

SECRET = 'gX7&+"č/9'
TEXTS = st.text(st.characters(codec="windows-1250", exclude_categories=["Cc"]), max_size=9)


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        "gX7&amp;+&quot;č/9",
        'gX7&+\\"č/9',
        'gX7&+\\"\\u010d/9',
        SECRET.encode().hex(),
        SECRET.encode("windows-1250").hex(),
    ],
)
def test_each_form_is_hidden_where_it_stands(written: str) -> None:
    assert Redaction([SECRET]).of(f"before {written} after") == f"before {HIDDEN} after"


@given(before=TEXTS, after=TEXTS, charset=st.sampled_from(["utf-8", "windows-1250"]))
def test_nothing_of_it_can_be_decoded_from_base64_around_it(
    before: str, after: str, charset: str
) -> None:
    encoded = base64.b64encode(f"{before}{SECRET}{after}".encode(charset)).decode()
    for written in (encoded, encoded.translate(str.maketrans("+/", "-_"))):
        left = Redaction([SECRET]).of(f"Basic {written}")
        assert HIDDEN in left
        # At most a sign at each edge is left of the secret's own.
        assert len(written) - len(left.removeprefix("Basic ").replace(HIDDEN, "")) > len(SECRET)


@given(st.text())
def test_other_texts_stay(text: str) -> None:
    assert Redaction([]).of(text) == text
    assert Redaction(["x" * (LEAST_CHARACTERS - 1)]).of(text) == text


def test_of_several_the_longest_is_hidden_first() -> None:
    assert Redaction(["hunter", "hunter22"]).of("hunter22 hunter2") == f"{HIDDEN} {HIDDEN}2"

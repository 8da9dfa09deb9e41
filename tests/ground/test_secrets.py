"""Sealed credentials open where they were sealed for, with their key, and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spojka.secrets import Seal, SealBroken, Sealed

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
CREDENTIALS = {"user": "ekonom", "password": "tajné"}
PLACE = "warehouse_connection/tenant/connection"


def test_what_is_sealed_opens_at_its_place() -> None:
    seal = Seal({"k": KEY})
    sealed = seal.seal(CREDENTIALS, PLACE)
    assert b"tajn" not in sealed.ciphertext
    assert seal.open(sealed, PLACE) == CREDENTIALS
    assert seal.seal(CREDENTIALS, PLACE).ciphertext != sealed.ciphertext


def test_what_was_moved_to_another_row_does_not_open() -> None:
    seal = Seal({"k": KEY})
    sealed = seal.seal(CREDENTIALS, PLACE)
    with pytest.raises(SealBroken, match="moved or altered"):
        seal.open(sealed, "warehouse_connection/another tenant/connection")


@given(st.data())
def test_a_changed_byte_does_not_open(data: st.DataObject) -> None:
    seal = Seal({"k": KEY})
    sealed = seal.seal(CREDENTIALS, PLACE)
    place = data.draw(st.integers(0, len(sealed.ciphertext) - 1))
    changed = bytearray(sealed.ciphertext)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken, match="moved or altered"):
        seal.open(replace(sealed, ciphertext=bytes(changed)), PLACE)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = Seal({"old": OTHER}).seal(CREDENTIALS, PLACE)
    both = Seal({"new": KEY, "old": OTHER})
    assert both.open(old, PLACE) == CREDENTIALS
    assert both.seal(CREDENTIALS, PLACE).key_id == "new"
    with pytest.raises(SealBroken, match="SPOJKA_SEALING_KEYS"):
        Seal({"new": KEY}).open(old, PLACE)
    with pytest.raises(SealBroken, match="moved or altered"):
        Seal({"old": KEY}).open(Sealed("old", old.ciphertext), PLACE)

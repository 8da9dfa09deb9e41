"""The form of API keys."""

from gateway.credential import new_key, parse_key


def test_a_new_key_proves_itself() -> None:
    text, stored = new_key()
    parsed = parse_key(text)
    assert parsed is not None
    assert parsed.id == stored.id
    assert parsed.proves(stored.digest)


def test_every_key_is_another() -> None:
    assert len({new_key()[0] for _ in range(100)}) == 100


def test_a_changed_secret_proves_nothing() -> None:
    text, stored = new_key()
    changed = parse_key(text[:-1] + ("A" if text[-1] != "A" else "B"))
    assert changed is not None
    assert changed.id == stored.id
    assert not changed.proves(stored.digest)


def test_the_secret_of_one_key_under_the_id_of_another_proves_nothing() -> None:
    (one, stored), (other, _) = new_key(), new_key()
    mixed = parse_key(one[:37] + other[37:])
    assert mixed is not None
    assert mixed.id == stored.id
    assert not mixed.proves(stored.digest)


def test_what_is_not_a_key_is_none() -> None:
    text, _ = new_key()
    for wrong in ("", "spk", "spk__", text[:-1], text + "A", text.upper(), f" {text}", text + "\n"):
        assert parse_key(wrong) is None, wrong

"""Counting at the door."""

import pytest

from mail_ingest.smtp import limits
from mail_ingest.smtp.limits import ConnectionLimit, RefusalLimit, client_key


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "20010db800010002/64"),
        ("2001:db8:1:2:ffff::4", "20010db800010002/64"),
        ("fe80::1%eth0", "fe80000000000000/64"),
        ("", ""),
    ],
)
def test_one_client_is_an_ipv4_address_or_an_ipv6_network(host: str, key: str) -> None:
    assert client_key(host) == key


def test_connections_are_limited_for_each_client_and_for_all() -> None:
    limit = ConnectionLimit(3, 2)
    assert [limit.enter("a") for _ in range(3)] == [True, True, False]
    assert [limit.enter("b"), limit.enter("c")] == [True, False]
    limit.leave("a")
    assert limit.enter("c")
    assert limit.total == 3
    for client in ("a", "b", "c"):
        limit.leave(client)
    assert limit.total == 0


def test_a_client_that_guesses_is_forgiven_after_a_time() -> None:
    time = 0.0
    limit = RefusalLimit(lambda: time)
    for _ in range(limits.REFUSED_MAX):
        assert not limit.reached("a")
        limit.note("a")
    assert limit.reached("a")
    assert not limit.reached("b")
    time = limits.REFUSED_SECONDS + 1
    assert not limit.reached("a")


def test_the_number_of_remembered_clients_is_bounded() -> None:
    limit = RefusalLimit(lambda: 0.0)
    for _ in range(limits.REFUSED_MAX):
        limit.note("first")
    for number in range(limits.REMEMBERED_CLIENTS_MAX):
        limit.note(str(number))
    assert not limit.reached("first")

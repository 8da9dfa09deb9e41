"""Caches, rates and loads keep their limits."""

import pytest

from gateway import rate_limit
from gateway.expiring import ExpiringCache
from gateway.load import MAX_STREAMS_PER_KEY, MAX_UNARY_CALLS, Load
from gateway.rate_limit import RateLimit
from spojka.errors import Overloaded


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_cached_value_ends_with_its_time() -> None:
    clock = Clock()
    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, ttl_seconds=30, clock=clock)
    cache.put("a", 1, cache.generation)
    clock.now += 29
    assert cache.get("a") == 1
    clock.now += 1
    assert cache.get("a") is None
    assert len(cache) == 0


def test_the_entry_that_was_not_used_longest_gives_way() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, ttl_seconds=30)
    for key in ("a", "b"):
        cache.put(key, 1, cache.generation)
    cache.get("a")
    cache.put("c", 1, cache.generation)
    assert cache.get("b") is None
    assert cache.get("a") == cache.get("c") == 1


def test_what_was_read_before_a_change_is_not_kept() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, ttl_seconds=30)
    before = cache.generation
    cache.forget("a")
    cache.put("a", 1, before)
    assert cache.get("a") is None


def test_a_rate_allows_its_burst_and_then_its_pace() -> None:
    clock = Clock()
    limit = RateLimit(per_second=2, burst=3, clock=clock)
    assert [limit.seconds_to_wait("a") for _ in range(3)] == [0, 0, 0]
    assert limit.seconds_to_wait("a") == pytest.approx(0.5)
    assert limit.seconds_to_wait("b") == 0
    clock.now += 0.5
    assert limit.seconds_to_wait("a") == 0
    assert limit.seconds_to_wait("a") > 0


def test_a_rate_remembers_no_more_callers_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_BUCKETS", 10)
    limit = RateLimit(per_second=1, burst=1)
    for number in range(100):
        limit.seconds_to_wait(str(number))
    assert len(limit._buckets) == 10


def test_streams_of_one_key_have_a_limit_and_leave_room_for_calls() -> None:
    load = Load()
    held = [load.stream("key") for _ in range(MAX_STREAMS_PER_KEY)]
    for stream in held:
        stream.__enter__()
    with pytest.raises(Overloaded, match="streams open"), load.stream("key"):
        pass
    with load.stream("another key"), load.call():
        pass
    held[0].__exit__(None, None, None)
    with load.stream("key"):
        pass


def test_calls_have_a_limit() -> None:
    load = Load()
    held = [load.call() for _ in range(MAX_UNARY_CALLS)]
    for call in held:
        call.__enter__()
    with pytest.raises(Overloaded), load.call():
        pass
    held[0].__exit__(None, None, None)
    with load.call():
        pass

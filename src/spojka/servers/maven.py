"""Fetches pinned jars from Maven repositories: with jgo, or with Maven itself.

jgo needs nothing but Python and is several times faster, so it goes first. It follows a mirror of
Maven Central that the user's `settings.xml` names, and the proxy variables of the environment.
Maven, where it is installed, honours all else that its settings can say (credentials, proxies).
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape

from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext, PythonResolver
from lxml import etree

from spojka.servers.jar import Jar

REQUEST_TIMEOUT_S = 20
MAVEN_TIMEOUT_S = 600
SETTINGS_BYTES_MAX = 1024 * 1024
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
CENTRAL_PATTERNS = frozenset({"*", "central", "external:*"})


class FetchError(Exception):
    """The jars could not be fetched this way."""


def fetch_with_jgo(
    jars: Sequence[Jar], folder: Path, fetched: Callable[[Jar, Path], None], repository: str
) -> None:
    """Download jars below the folder, calling back after each one.

    Raises:
        FetchError: the repository can't be reached or does not have one of them.

    """
    maven = MavenContext(
        resolver=PythonResolver(),
        repo_cache=folder,
        local_repos=[],
        remote_repos={"central": repository},
        timeout=REQUEST_TIMEOUT_S,
    )
    for jar in jars:
        artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        try:
            path = artifact.resolve()
        except Exception as error:  # jgo documents no errors of its own
            raise FetchError(f"{jar.file_name} from {repository}: {error}") from error
        fetched(jar, path)


def fetch_with_maven(
    jars: Sequence[Jar], folder: Path, fetched: Callable[[Jar, Path], None]
) -> None:
    """Let the installed Maven copy jars into the folder, then call back for each one.

    Raises:
        FetchError: Maven is not installed, or failed.

    """
    maven = shutil.which("mvn")
    if maven is None:
        raise FetchError("Maven (mvn) is not installed")
    with tempfile.TemporaryDirectory() as project:
        (Path(project) / "pom.xml").write_text(_pom(jars))
        try:
            done = subprocess.run(
                [maven, "-B", "-q", COPY_GOAL, f"-DoutputDirectory={folder}"],
                cwd=project,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=MAVEN_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FetchError(f"Maven: {error}") from error
    if done.returncode != 0:
        reasons = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise FetchError(f"Maven: {reasons[0] if reasons else f'exit {done.returncode}'}")
    for jar in jars:
        fetched(jar, folder / jar.file_name)


def central_repository(settings_paths: Sequence[Path] | None = None) -> str:
    """Say where Maven Central is to be read: at the user's mirror of it, or at itself.

    Reads the user's `settings.xml`, then the installation's, as Maven does. Mirrors that need
    credentials are left to Maven.
    """
    home = Path(os.environ.get("MAVEN_HOME") or os.environ.get("M2_HOME") or "/etc/maven")
    usual = (Path.home() / ".m2/settings.xml", home / "conf/settings.xml", home / "settings.xml")
    for path in usual if settings_paths is None else settings_paths:
        with suppress(OSError, etree.XMLSyntaxError):
            if path.stat().st_size <= SETTINGS_BYTES_MAX and (mirror := _mirror_in(path)):
                return mirror
    return MAVEN_CENTRAL_URL


def _mirror_in(path: Path) -> str | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.parse(str(path), parser).getroot()
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        patterns = {each.strip() for each in (mirror.findtext("{*}mirrorOf") or "").split(",")}
        url = (mirror.findtext("{*}url") or "").strip()
        if patterns & CENTRAL_PATTERNS and "!central" not in patterns and url:
            return url.rstrip("/")
    return None


def _pom(jars: Sequence[Jar]) -> str:
    """Describe a project that depends on exactly these jars and on nothing through them."""
    everything = "<exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>"
    dependencies = "".join(
        f"<dependency><groupId>{escape(jar.group)}</groupId>"
        f"<artifactId>{escape(jar.artifact)}</artifactId><version>{escape(jar.version)}</version>"
        f"<exclusions>{everything}</exclusions></dependency>"
        for jar in jars
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>spojka</groupId><artifactId>servers</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>"
    )

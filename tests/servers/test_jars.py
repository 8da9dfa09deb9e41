"""The cache of jars is whole and right, or absent, whatever happens to a download."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from spojka.servers.jar import Jar
from spojka.servers.jars import FetchProgress, JarsUnavailableError, ensure_jars
from spojka.servers.maven import central_repository
from spojka.servers.ports import free_port

CONTENTS = {"alpha": b"a" * 5000, "beta": b"b" * 70000}
JARS = tuple(
    Jar("org.example", name, "1.0", len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENTS.items()
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing of each request."""


@pytest.fixture(autouse=True)
def _without_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a Maven repository with the jars; gives its URL and its folder."""
    folder = tmp_path / "repository"
    for jar in JARS:
        _put(folder, jar, CONTENTS[jar.artifact])
    with _serving(folder) as url:
        yield url, folder


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _put(repository: Path, jar: Jar, content: bytes) -> None:
    """Put a file where Maven looks for it, with the checksum it publishes beside it."""
    folder = repository / jar.group.replace(".", "/") / jar.artifact / jar.version
    folder.mkdir(parents=True, exist_ok=True)
    (folder / jar.file_name).write_bytes(content)
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    (folder / f"{jar.file_name}.sha1").write_text(digest)


def _ensure(cache: Path, url: str, seen: list[FetchProgress] | None = None) -> Path:
    log: list[FetchProgress] = [] if seen is None else seen
    return ensure_jars("kafka-1.0", JARS, cache=cache, progress=log.append, repository=url)


def test_fetches_once_and_tells_its_progress(tmp_path: Path, repository: tuple[str, Path]) -> None:
    seen: list[FetchProgress] = []
    folder = _ensure(tmp_path / "cache", repository[0], seen)
    assert {path.name for path in folder.iterdir()} == {jar.file_name for jar in JARS}
    assert [(each.done_bytes, each.total_bytes) for each in seen] == [(5000, 75000), (75000, 75000)]
    _ensure(tmp_path / "cache", "http://127.0.0.1:1", seen)
    assert len(seen) == 2


def test_refuses_a_file_that_is_not_the_pinned_one(
    tmp_path: Path, repository: tuple[str, Path]
) -> None:
    url, folder = repository
    _put(folder, JARS[1], b"x" * JARS[1].size_bytes)
    with pytest.raises(JarsUnavailableError, match=r"beta-1\.0\.jar is not the file it should be"):
        _ensure(tmp_path / "cache", url)
    assert not (tmp_path / "cache" / "kafka-1.0").exists()


def test_a_later_attempt_goes_on_where_one_broke_off(
    tmp_path: Path, repository: tuple[str, Path]
) -> None:
    url, folder = repository
    beta = next(folder.rglob("beta-1.0.jar"))
    beta.rename(folder / "away")
    with pytest.raises(JarsUnavailableError):
        _ensure(tmp_path / "cache", url)
    (folder / "away").rename(beta)
    seen: list[FetchProgress] = []
    _ensure(tmp_path / "cache", url, seen)
    assert [each.file_name for each in seen] == ["beta-1.0.jar"]


def test_mends_a_damaged_file(tmp_path: Path, repository: tuple[str, Path]) -> None:
    folder = _ensure(tmp_path / "cache", repository[0])
    (folder / "alpha-1.0.jar").write_bytes(b"half")
    seen: list[FetchProgress] = []
    assert _ensure(tmp_path / "cache", repository[0], seen) == folder
    assert (folder / "alpha-1.0.jar").read_bytes() == CONTENTS["alpha"]
    assert [each.file_name for each in seen] == ["alpha-1.0.jar"]


def test_says_what_else_can_be_used_when_nothing_is_reached(tmp_path: Path) -> None:
    with pytest.raises(JarsUnavailableError) as caught:
        _ensure(tmp_path / "cache", f"http://127.0.0.1:{free_port()}")
    for alternative in ("SPOJKA_KAFKA_BOOTSTRAP", "Docker", "settings.xml", "Maven (mvn)"):
        assert alternative in str(caught.value)


def test_an_installed_maven_goes_on_where_the_repository_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: tuple[str, Path]
) -> None:
    """The stand-in for Maven copies what the POM names, as `copy-dependencies` does."""
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(
        "#!/bin/sh\n"
        "for argument; do case $argument in -DoutputDirectory=*) out=${argument#*=};; esac; done\n"
        'mkdir -p "$out"\n'
        "for name in alpha beta; do\n"
        '  grep -q "<artifactId>$name</artifactId><version>1.0</version>" pom.xml || exit 1\n'
        f'  cp {repository[1]}/org/example/$name/1.0/$name-1.0.jar "$out"\n'
        "done\n"
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/usr/bin:/bin")
    folder = _ensure(tmp_path / "cache", f"http://127.0.0.1:{free_port()}")
    assert {path.name for path in folder.iterdir()} == {jar.file_name for jar in JARS}


@pytest.mark.parametrize(
    ("mirror_of", "followed"),
    [("central", True), ("*", True), ("*,!central", False), ("other", False)],
)
def test_follows_the_user_s_mirror_of_central(
    tmp_path: Path, mirror_of: str, followed: bool
) -> None:
    settings = tmp_path / "settings.xml"
    settings.write_text(
        '<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors><mirror><id>m</id>'
        f"<mirrorOf>{mirror_of}</mirrorOf><url>https://mirror.example/maven/</url>"
        "</mirror></mirrors></settings>"
    )
    chosen = central_repository([tmp_path / "absent.xml", settings])
    assert (chosen == "https://mirror.example/maven") is followed

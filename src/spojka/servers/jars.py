"""The user's cache of pinned jars: whole and right, or absent."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spojka.servers.jar import Jar
from spojka.servers.maven import FetchError, central_repository, fetch_with_jgo, fetch_with_maven
from spojka.servers.server import ServerError


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a download is."""

    file_name: str
    done_bytes: int
    total_bytes: int


ProgressCallback = Callable[[FetchProgress], None]


class JarsUnavailableError(ServerError):
    """The jars are not in the cache and could not be fetched."""


def default_cache() -> Path:
    """Give the user's cache folder of Spojka, by the XDG rule."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "spojka"


def ensure_jars(
    name: str,
    jars: Sequence[Jar],
    *,
    cache: Path,
    progress: ProgressCallback,
    repository: str | None = None,
) -> Path:
    """Give the folder `name` of the cache with all jars in it, fetching what is missing.

    Blocks (for as long as a download takes). Every jar's SHA-256 is checked at each call. Jars
    fetched by an attempt that broke off are used by the next one. `repository` replaces the
    Maven repository that is asked.

    Raises:
        JarsUnavailableError: they could not be fetched; the message says what else can be used.

    """
    folder = cache / name
    with _alone_in(cache):
        if all(_is_right(jar, folder / jar.file_name) for jar in jars):
            return folder
        partial = cache / f"{name}.partial"
        if folder.exists():
            shutil.rmtree(partial, ignore_errors=True)
            folder.rename(partial)  # damaged: keep what is right of it
        partial.mkdir(exist_ok=True)
        _complete(jars, partial, progress, repository)
        partial.rename(folder)
    return folder


def are_present(name: str, jars: Sequence[Jar], cache: Path) -> bool:
    """Say whether the cache has all jars, without fetching any."""
    return all(_is_right(jar, cache / name / jar.file_name) for jar in jars)


def _complete(
    jars: Sequence[Jar], partial: Path, progress: ProgressCallback, repository: str | None
) -> None:
    total = sum(jar.size_bytes for jar in jars)
    missing = [jar for jar in jars if not _is_right(jar, partial / jar.file_name)]
    done = total - sum(jar.size_bytes for jar in missing)
    incoming = partial / "incoming"

    def fetched(jar: Jar, path: Path) -> None:
        nonlocal done
        if not _is_right(jar, path):
            raise FetchError(f"{jar.file_name} is not the file it should be (SHA-256 differs)")
        path.replace(partial / jar.file_name)
        done += jar.size_bytes
        progress(FetchProgress(jar.file_name, done, total))

    def by_jgo(wanted: Sequence[Jar]) -> None:
        fetch_with_jgo(wanted, incoming, fetched, repository or central_repository())

    def by_maven(wanted: Sequence[Jar]) -> None:
        fetch_with_maven(wanted, incoming, fetched)

    reasons = []
    for fetch in (by_jgo, by_maven):
        shutil.rmtree(incoming, ignore_errors=True)  # a broken-off file is never taken for whole
        missing = [jar for jar in missing if not _is_right(jar, partial / jar.file_name)]
        try:
            fetch(missing)
        except FetchError as error:
            reasons.append(str(error))
        else:
            shutil.rmtree(incoming, ignore_errors=True)
            return
    raise JarsUnavailableError(
        f"The {len(missing)} Java libraries of Apache Kafka could not be fetched:\n"
        + "\n".join(f"  {reason}" for reason in reasons)
        + "\nInstead, set SPOJKA_KAFKA_BOOTSTRAP to a Kafka that runs elsewhere, use compose.yaml "
        "where Docker is at hand, or try again with access to Maven Central or a mirror of it "
        "(named in Maven's settings.xml)."
    )


def _is_right(jar: Jar, path: Path) -> bool:
    try:
        if path.stat().st_size != jar.size_bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


@contextmanager
def _alone_in(cache: Path) -> Iterator[None]:
    """Keep other processes of the user from filling the same cache at the same time."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

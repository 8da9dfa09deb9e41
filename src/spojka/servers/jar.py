"""One pinned Java library."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Jar:
    """A library by its Maven coordinates, with what its file must be."""

    group: str
    artifact: str
    version: str
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of its file in a repository."""
        return f"{self.artifact}-{self.version}.jar"

"""Writes the list of pinned jars of a Kafka release: `python -m spojka.servers.pin_kafka 4.1.2`.

Run by a developer who raises the version; the output replaces `kafka_release.py`. The run-time
dependencies come from the release's own POM, plus the binding that lets Kafka's log lines reach
Log4j, which Kafka's distribution adds in the same way.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

from jgo.maven import Dependency, MavenContext, PythonResolver

from spojka.servers.jar import Jar

KAFKA = ("org.apache.kafka", "kafka_2.13")
LOG4J_GROUP = "org.apache.logging.log4j"


def resolve(version: str, cache: Path) -> list[Jar]:
    """Find and download everything the release needs at run time."""
    maven = MavenContext(resolver=PythonResolver(), repo_cache=cache)
    kafka = maven.project(*KAFKA).at_version(version).artifact()
    inputs, others = maven.resolver.resolve([Dependency(kafka, scope="compile")])
    found = [each.artifact for each in (*inputs, *others) if each.scope in {"compile", "runtime"}]
    log4j = next(each for each in found if each.artifactId == "log4j-core")
    binding = maven.project(LOG4J_GROUP, "log4j-slf4j-impl").at_version(log4j.version)
    jars = []
    for artifact in [*found, binding.artifact()]:
        content = artifact.resolve().read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        jars.append(
            Jar(artifact.groupId, artifact.artifactId, artifact.version, len(content), digest)
        )
    return sorted(jars, key=lambda jar: (jar.group, jar.artifact))


def main() -> None:
    """Print the module for the version given on the command line."""
    version = sys.argv[1]
    with tempfile.TemporaryDirectory() as cache:
        jars = resolve(version, Path(cache))
    lines = [
        f'"""Apache Kafka {version} and all it needs to run, written by pin_kafka."""',
        "",
        "from spojka.servers.jar import Jar",
        "",
        f'KAFKA_VERSION = "{version}"',
        "",
        "KAFKA_JARS = (",
    ]
    for jar in jars:
        lines += [
            "    Jar(",
            *(f'        "{text}",' for text in (jar.group, jar.artifact, jar.version)),
            f"        {jar.size_bytes},",
            f'        "{jar.sha256}",',
            "    ),",
        ]
    sys.stdout.write("\n".join([*lines, ")", ""]))


if __name__ == "__main__":
    main()

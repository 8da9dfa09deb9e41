"""A network of our own: this program begun again in namespaces that end with it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PROGRAMS: Final = ("ip", "tc", "unshare", "nsenter", "setpriv")
NAMES: Final = Path("/run/netns")
"""Where `ip netns` keeps its names: below a file system that only this run sees."""
_INSIDE: Final = "PROOF_NETWORK_INSIDE"
_TRY: Final = ("unshare", "--net", "--mount", "--propagation", "private")


def is_inside() -> bool:
    """Say whether this process has the network for itself."""
    return _INSIDE in os.environ


def lacks() -> str | None:
    """Say why this machine gives no network of our own; None where it does."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces want root"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"missing programs: {', '.join(missing)} (packages iproute2 and util-linux)"
    tried = subprocess.run(
        [*_TRY, "ip", "link", "add", "bridge0", "type", "bridge"],
        capture_output=True,
        text=True,
        check=False,
    )
    return tried.stderr.strip() or "no bridge can be made" if tried.returncode else None


def begin_again_inside(arguments: Sequence[str]) -> None:
    """Become the same program in a network and a mount namespace of its own. Does not return."""
    again = (sys.executable, "-m", "proof.network", *arguments)
    os.execvpe("unshare", [*_TRY, *again], os.environ | {_INSIDE: "1"})  # noqa: S606, S607 - on purpose


def make_private_names() -> None:
    """Let the names of namespaces be this run's own, and gone with it."""
    NAMES.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "proof-network", str(NAMES)],  # noqa: S607 - of every Linux
        check=True,
    )

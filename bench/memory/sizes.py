"""How much memory a process takes, as Linux counts it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

KIB_PER_MIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Size:
    """Of one process, in MiB: what is resident, and what would be free again if it ended.

    The second leaves out what processes share, such as the interpreter's code.
    """

    resident_mib: float
    own_mib: float


def size_of(pid: int) -> Size:
    """Read it. Raises OSError where the process is gone or the machine is not Linux.

    Source: the kernel's Documentation/filesystems/proc.rst, smaps_rollup.
    """
    kib: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, _, rest = line.partition(":")
        kib[name] = int(rest.split()[0])
    own = kib["Private_Clean"] + kib["Private_Dirty"]
    return Size(kib["Rss"] / KIB_PER_MIB, own / KIB_PER_MIB)

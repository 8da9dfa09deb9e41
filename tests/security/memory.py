"""How much memory a process holds, from Linux's own books."""

from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 4096


def resident_bytes(pid: int | None = None) -> int:
    """What a process holds in memory now; this one where none is named."""
    statm = Path(f"/proc/{pid or 'self'}/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * PAGE_BYTES


def peak_bytes(pid: int | None = None) -> int:
    """The most that a process ever held, since `forget_peak`."""
    status = Path(f"/proc/{pid or 'self'}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def forget_peak(pid: int | None = None) -> None:
    """Begin to measure the peak anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid or 'self'}/clear_refs").write_text("5", encoding="ascii")

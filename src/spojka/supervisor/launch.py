"""Stands between the supervisor and a child, so that no child outlives the supervisor.

Run as a script of its own by an isolated interpreter (`python -I -S launch.py …`), it needs the
standard library alone. It gives up root where told, ties the child's life to the supervisor's and
becomes the child:

- Linux: asks the kernel for a signal at the parent's death (PR_SET_PDEATHSIG), then executes the
  child in its own place. The order matters: a change of user clears that request.
- elsewhere: stays as the child's parent, hands signals on, and kills the whole process group when
  the lifeline, a pipe whose other end only the supervisor holds, is closed.

A launcher is used rather than `preexec_fn`, which may deadlock in a process that has threads.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
EXIT_PARENT_IS_GONE = 111
EXIT_CANNOT_EXECUTE = 127
SIGNAL_EXIT_BASE = 128
FORWARDED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def launch(arguments: Sequence[str]) -> int:
    """Become the child that the arguments describe; return an exit status only on failure."""
    parser = argparse.ArgumentParser(prog="launch")
    parser.add_argument("--parent", type=int, required=True, help="the supervisor's process id")
    parser.add_argument("--orphan-signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--lifeline", type=int, help="file descriptor of the pipe's reading end")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args(arguments)
    if options.uid is not None:
        _become(options.uid, options.gid)
    if options.lifeline is not None:
        return _stay(options.argv, options.lifeline)
    _die_with_parent(options.orphan_signal)
    if os.getppid() != options.parent:
        return EXIT_PARENT_IS_GONE
    return _execute(options.argv)


def _become(uid: int, gid: int) -> None:
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(orphan_signal: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")


def _execute(argv: list[str]) -> int:
    # The interpreter ignores these two; the child expects the system's default.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, os.environ)  # noqa: S606 - the very purpose of this script
    except OSError as error:
        sys.stderr.write(f"cannot execute {argv[0]}: {error.strerror}\n")
    return EXIT_CANNOT_EXECUTE


def _stay(argv: list[str], lifeline: int) -> int:
    try:
        child = subprocess.Popen(argv)  # lives in this session and process group
    except OSError as error:
        sys.stderr.write(f"cannot execute {argv[0]}: {error.strerror}\n")
        return EXIT_CANNOT_EXECUTE
    for forwarded in FORWARDED_SIGNALS:
        signal.signal(forwarded, lambda number, _frame: child.send_signal(number))
    threading.Thread(target=_kill_group_at_end_of, args=(lifeline,), daemon=True).start()
    status = child.wait()
    return SIGNAL_EXIT_BASE - status if status < 0 else status


def _kill_group_at_end_of(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))

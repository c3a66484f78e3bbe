"""The kernel that runs learners' code, behind a fence: `python -m fer_lib.classroom.guard -f CONNECTION`.

Writing and deleting outside the submission's own folder, starting programs, opening connections and databases are
refused; processor time, written bytes, printing and the whole run are limited. Two fences: Python's audit hooks, which
say what was refused and work on every system, and on Linux Landlock, which also binds code that goes past Python.
Reading is free. A fence, not a prison: where grades are worth an attack, grade in a container.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from fer_lib.classroom.landlock import restrict
from fer_lib.classroom.nursery import PLACE, ask

SECONDS = "GRADING_SECONDS"  # the variable that says how long a submission may run
WRITTEN = 64 * 2**20  # bytes a file may have
PRINTED = 2**20  # characters a submission may print
MEMORY = 16 * 2**30  # bytes of address space; torch alone maps several gigabytes

_WRITES = {
    *("os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.utime", "os.chmod", "os.chown"),
    *("os.rename", "os.link", "os.symlink", "shutil.rmtree", "shutil.move", "shutil.copyfile", "shutil.copytree"),
}
_REFUSED = {
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork"),
    *("os.forkpty", "pty.spawn", "socket.connect", "socket.bind", "socket.sendto"),
    *("urllib.Request", "sqlite3.connect", "ftplib.connect", "smtplib.connect", "webbrowser.open"),
}
_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def fence(allowed: Iterable[Path]):
    """An audit hook that lets code write under the `allowed` folders alone."""
    roots = tuple(str(Path(root).resolve()) for root in allowed)
    realpath, separator, getpid, getpgid = (
        os.path.realpath,
        os.sep,
        os.getpid,
        os.getpgid,
    )  # kept here, where learners' code cannot replace them

    def inside(path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return True  # a descriptor that is open already
        real = realpath(os.fsdecode(path))
        return real == os.devnull or any(real == root or real.startswith(root + separator) for root in roots)

    def hook(event: str, arguments: tuple) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = any(letter in mode for letter in "wax+") if mode else bool(flags & _FLAGS)
            if writes and not inside(path):
                raise PermissionError(f"the grader does not let a submission write to {path}")
        elif event in _WRITES:
            outside = [path for path in arguments[:2] if isinstance(path, str | bytes | os.PathLike)]
            if not all(inside(path) for path in outside):
                raise PermissionError(f"the grader does not let a submission do {event} on {outside}")
        elif event in ("os.kill", "os.killpg") and arguments[0] not in (getpid(), getpgid(0)):
            raise PermissionError("the grader does not let a submission stop other programs")
        elif event in _REFUSED:
            raise PermissionError(f"the grader does not let a submission do {event}")

    return hook


def limit(seconds: int) -> None:
    """Processor time, file size and memory; and an end to the process after `seconds`, whatever it does."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the clock below still runs
        pass
    else:
        for kind, most in (
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_FSIZE, WRITTEN),
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(kind, (most, most))
    clock = threading.Timer(seconds, os._exit, (1,))
    clock.daemon = True
    clock.start()


def _cap(stream: TextIO) -> None:
    """Refuse to print more than PRINTED characters: nbgrader would keep them all in memory and in the notebook."""
    write, printed = stream.write, 0

    def capped(text: str) -> int:
        nonlocal printed
        printed += len(text)
        if printed > PRINTED:
            raise PermissionError(f"the grader does not let a submission print more than {PRINTED} characters")
        return write(text)

    stream.write = capped


def run() -> None:
    """Start an IPython kernel, then close the fence around it."""
    from ipykernel.kernelapp import IPKernelApp

    # a file beside the submission must not stand in for a library
    sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]
    sys.dont_write_bytecode = True
    nursery = os.environ.get(PLACE)  # its folder is cleared when the last submission is graded; kernels are killed
    scratch = tempfile.mkdtemp(prefix="fer-lib-grade-", dir=Path(nursery).parent if nursery else None)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    kernel = IPKernelApp.instance()
    kernel.initialize([*sys.argv[1:], "--HistoryManager.enabled=False"])
    sys.stderr = sys.stdout  # nbgrader gives no points to a check whose cell wrote to stderr, be it a mere warning
    _cap(sys.stdout)
    limit(int(os.environ.get(SECONDS, "600")))
    restrict([Path.cwd(), Path(scratch)])
    sys.addaudithook(fence([Path.cwd(), Path(scratch)]))
    kernel.start()


def main() -> None:
    """A kernel in this process, or forked from the nursery where one runs."""
    if place := os.environ.get(PLACE):
        sys.exit(ask(place, sys.argv[1:]))
    run()


if __name__ == "__main__":
    main()

"""Fenced kernels by the dozen: one process imports torch and its friends once and forks a kernel for each submission.

Without it every submission would pay the imports again, and a busy machine could spend a cell's time on them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from fer_lib.errors import UserError

PLACE = "GRADING_NURSERY"  # not FER_LIB_…: no result of a chapter depends on it
PRELOADED = (
    *("torch", "scipy.stats", "pandas", "captum.attr", "ipykernel.kernelapp", "ipykernel.ipkernel"),
    *("fer_lib.checks", "fer_lib.model", "fer_lib.preprocess", "fer_lib.data.synthetic", "fer_lib.interpret.decoders"),
)


@contextmanager
def nursery(seconds: int = 300) -> Iterator[None]:
    """Let kernels started inside be forked. Does nothing where a nursery runs already or the system cannot fork.

    Raises UserError if the imports fail or take longer than `seconds`.
    """
    if os.environ.get(PLACE) or not hasattr(os, "fork"):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="fer-lib-", ignore_cleanup_errors=True) as folder:
        place = str(Path(folder) / "nursery")
        command = [sys.executable, "-m", "fer_lib.classroom.nursery", place]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _wait_for(process, place, seconds)
            os.environ[PLACE] = place
            yield
        finally:
            os.environ.pop(PLACE, None)
            process.terminate()
            process.wait()
            process.stderr.close()


def _wait_for(process: subprocess.Popen, place: str, seconds: int) -> None:
    end = time.monotonic() + seconds
    while not os.path.exists(place):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise UserError(f"the grading kernels could not be started: {process.stderr.read().decode()[-500:]}")
        time.sleep(0.05)


def ask(place: str, arguments: list[str]) -> int:
    """Have a kernel forked with these arguments, in this folder and environment; wait, and return its exit status."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(place)
        request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
        line.sendall(json.dumps(request).encode() + b"\n")
        return int(line.recv(16) or 1)


def serve(place: str) -> None:
    """Import, then fork a kernel for each request until the parent is gone. A caller that hangs up kills its kernel."""
    for name in PRELOADED:
        import_module(name)
    parent, kernels = os.getppid(), {}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place + ".partial")
        server.listen()
        os.rename(place + ".partial", place)
        while os.getppid() == parent:
            ready = select.select([server, *kernels.values()], [], [], 0.05)[0]
            if server in ready:
                line = server.accept()[0]
                kernels[_fork(line, [server, *kernels.values()])] = line
            for kernel in [kernel for kernel, line in kernels.items() if line in ready]:
                os.kill(kernel, signal.SIGKILL)
            _reap(kernels)


def _fork(line: socket.socket, others: list[socket.socket]) -> int:
    request = json.loads(line.makefile().readline())
    if kernel := os.fork():
        return kernel
    status = 1
    try:
        for each in (line, *others):
            each.close()
        os.setsid()
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv[1:] = request["arguments"]
        from fer_lib.classroom.guard import run

        run()
        status = 0
    finally:
        os._exit(status)


def _reap(kernels: dict[int, socket.socket]) -> None:
    while kernels:
        kernel, status = os.waitpid(-1, os.WNOHANG)
        if not kernel:
            return
        with kernels.pop(kernel) as line:
            try:
                line.sendall(str(1 if status else 0).encode())
            except OSError:
                pass  # the caller has hung up


if __name__ == "__main__":
    serve(sys.argv[1])

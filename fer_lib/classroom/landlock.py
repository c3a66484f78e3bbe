"""Let Linux itself refuse writing outside some folders, also to code that goes past Python (Landlock, Linux 5.13).

Kernel documentation: userspace-api/landlock.rst. Binds the calling thread and what it starts, for good.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every processor
_NO_NEW_PRIVILEGES = 38
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_BY_VERSION = {  # file rights that change something, by the version that knows them first
    1: _WRITE_FILE | sum(1 << bit for bit in range(4, 13)),  # remove and make files, folders, links, devices
    2: 1 << 13,  # move between folders
    3: _TRUNCATE,
}
_BIND_OR_CONNECT_TCP, _TCP_SINCE = 0b11, 4


def restrict(folders: Iterable[Path]) -> bool:
    """Refuse writes outside `folders`, and new TCP connections; False where the system has no Landlock."""
    version = _version()
    if version < 1:
        return False
    rights = sum(bits for since, bits in _BY_VERSION.items() if version >= since)
    network = _BIND_OR_CONNECT_TCP if version >= _TCP_SINCE else 0
    wanted = struct.pack("=QQ", rights, network)[: 16 if network else 8]
    ruleset = _call(_CREATE_RULESET, wanted, len(wanted), 0)
    try:
        for folder in folders:
            _allow(ruleset, folder, rights)
        _allow(ruleset, Path(os.devnull), rights & (_WRITE_FILE | _TRUNCATE))
        if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "could not give up new privileges")
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _version() -> int:
    if sys.platform != "linux":
        return 0
    return ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, 1)  # −1 without Landlock


def _allow(ruleset: int, place: Path, rights: int) -> None:
    descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        _call(_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    result = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result

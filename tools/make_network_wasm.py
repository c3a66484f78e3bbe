"""Compile fer_lib/widgets/js/network.c into fer_lib/widgets/assets/network.wasm (4 kB), with zig's C compiler.

    pip install ziglang==0.17.1 && python tools/make_network_wasm.py

Any clang with a WebAssembly target does as well: set CC to it. The sha256 of the source is kept in network.wasm.json.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from fer_lib.files import write_atomic, write_json

WIDGETS = Path(__file__).parents[1] / "fer_lib" / "widgets"
SOURCE, TARGET = WIDGETS / "js" / "network.c", WIDGETS / "assets" / "network.wasm"
FLAGS = ("-target", "wasm32-freestanding", "-msimd128", "-O3", "-nostdlib")
LINK = ("-Wl,--no-entry", "-Wl,--export=__heap_base", "-Wl,--strip-all")


def compiler() -> list[str]:
    """The C compiler's command: CC, or zig from the environment."""
    if named := os.environ.get("CC"):
        return named.split()
    if importlib.util.find_spec("ziglang") is None:
        sys.exit("No compiler for WebAssembly: pip install ziglang==0.17.1, or set CC to a clang that has wasm32.")
    return [sys.executable, "-m", "ziglang", "cc"]


def build(target: Path) -> None:
    write_atomic(target, lambda partial: _compile(partial))


def _compile(partial: Path) -> None:
    subprocess.run([*compiler(), *FLAGS, *LINK, "-o", str(partial), str(SOURCE)], check=True)


def main() -> None:
    build(TARGET)
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (SOURCE, TARGET)}
    write_json(TARGET.with_suffix(".wasm.json"), digests)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()

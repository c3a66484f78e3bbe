"""`make offline`: the built book as one zip that opens from disk, with its sha256."""

import hashlib
import sys
import zipfile
from pathlib import Path

from fer_lib.errors import UserError
from fer_lib.files import write_atomic, write_text

FOLDER = "facial-action-units"  # what unpacking makes
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same book gives the same bytes


def pack(html: Path, target: Path) -> str:
    """Write `target` with every file of the built book; return its sha256."""
    files = [path for path in sorted(html.rglob("*")) if path.is_file()]
    write_atomic(target, lambda partial: _write(partial, html, files))
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _write(partial: Path, html: Path, files: list[Path]) -> None:
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            about = zipfile.ZipInfo(f"{FOLDER}/{path.relative_to(html).as_posix()}", EPOCH)
            about.external_attr = 0o100644 << 16  # else an unpacked file is for its owner alone
            archive.writestr(about, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def main() -> None:
    html = Path("_build/html")
    if not (html / "index.html").exists():
        sys.exit(f"There is no book in {html.resolve()}: run make book first.")
    target = Path("_build") / f"{FOLDER}.zip"
    try:
        digest = pack(html, target)
        write_text(target.with_suffix(".zip.sha256"), f"{digest}  {target.name}\n")
    except UserError as error:
        sys.exit(str(error))
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, sha256 {digest}")
    print("Unpack it anywhere and open index.html; no network is needed.")


if __name__ == "__main__":
    main()

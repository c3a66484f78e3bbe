"""Embedded pictures move into files of their own, once each, and leave with the last page that shows them."""

import base64
from pathlib import Path

from fer_lib.site.images import KEPT_INSIDE, move_out, remove_unused


def test_large_pictures_move_and_small_ones_stay(tmp_path: Path) -> None:
    large = base64.b64encode(bytes(range(256)) * 8).decode()
    small = base64.b64encode(b"x" * (KEPT_INSIDE // 2)).decode()
    body = f'<img src="data:image/webp;base64,{large}" alt="a"><img src="data:image/webp;base64,{large}">'
    moved = move_out(body + f'<img src="data:image/png;base64,{small}">', tmp_path, lambda file: f"../{file}")
    (file,) = (tmp_path / "_images").iterdir()
    assert file.read_bytes() == bytes(range(256)) * 8 and file.suffix == ".webp"
    assert moved.count(f'src="../_images/{file.name}"') == 2 and 'alt="a"' in moved and small in moved

    (tmp_path / "page.html").write_text(moved)
    remove_unused(tmp_path)
    assert file.exists()
    (tmp_path / "page.html").write_text("nothing")
    remove_unused(tmp_path)
    assert not file.exists()

"""The offline edition: every file, one folder, the same bytes from the same book."""

import hashlib
import zipfile
from pathlib import Path

from fer_lib.site.offline import FOLDER, pack


def test_every_file_is_in_it_and_the_bytes_repeat(tmp_path: Path) -> None:
    html = tmp_path / "html"
    (html / "_static").mkdir(parents=True)
    (html / "index.html").write_text("page")
    (html / "_static" / "site.css").write_text("p {}")
    first = pack(html, tmp_path / "a.zip")
    (html / "index.html").touch()
    assert pack(html, tmp_path / "b.zip") == first == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == [f"{FOLDER}/_static/site.css", f"{FOLDER}/index.html"]
        assert archive.read(f"{FOLDER}/index.html") == b"page"

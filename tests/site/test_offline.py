"""The offline edition: every file, one folder, the same bytes from the same book."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from fer_lib.site.offline import FOLDER, main, pack


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
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}, "all may read"


def test_the_sha256_is_whole_beside_its_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").write_text("page")
    main()
    said = tmp_path / "_build" / f"{FOLDER}.zip.sha256"
    digest = hashlib.sha256(said.with_suffix("").read_bytes()).hexdigest()
    assert said.read_text() == f"{digest}  {FOLDER}.zip\n"

    def half(path: Path, text: str, **_: object) -> None:
        path.open("w").write(text[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(SystemExit, match="nothing was overwritten"):
        main()
    assert said.read_text() == f"{digest}  {FOLDER}.zip\n"

"""The book is served on this machine alone, and a port in use is named with its cure."""

import socket
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from fer_lib.site import serve


def test_a_taken_port_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").write_text("x")
    with socket.socket() as taken:
        taken.bind((serve.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port} cannot be used .* PORT={port + 1}"):
            serve.main(port)


def test_a_book_that_is_not_built_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="run make book first"):
        serve.main(0)


def test_a_lost_reader_gets_the_books_own_page(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("no page here")
    with serve.serving(tmp_path) as address, pytest.raises(HTTPError) as lost:
        urlopen(f"{address}/deep/nowhere.html")
    assert lost.value.code == 404 and lost.value.read() == b"no page here"

"""`make serve`: the built book on this machine's own address, never on the network."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the parent's name)
        return

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The book's own page where there is none, as hosts of static sites do."""
        lost = Path(self.directory, "404.html")
        if code != HTTPStatus.NOT_FOUND or not lost.exists():
            return super().send_error(code, message, explain)
        body = lost.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of `folder` at `port` (0: any free one). Raises OSError if the port is taken."""
    return ThreadingHTTPServer((HOST, port), partial(QuietHandler, directory=str(folder)))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve `folder` in the background at a free port; gives its address, without the last slash."""
    running = server(folder, 0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


def main(port: int) -> None:
    folder = Path("_build/html")
    if not (folder / "index.html").exists():
        sys.exit(f"There is no book in {folder.resolve()}: run make book first.")
    try:
        running = server(folder, port)
    except OSError as error:
        sys.exit(f"Port {port} cannot be used ({error.strerror}). Try another: make serve PORT={port + 1}")
    print(f"The book is at http://{HOST}:{port} (Ctrl-C stops it).")
    try:
        running.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""`make serve`: the built book on this machine's own address, never on the network."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the parent's name)
        return


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of `folder` at `port` (0: any free one). Raises OSError if the port is taken."""
    return ThreadingHTTPServer((HOST, port), partial(QuietHandler, directory=str(folder)))


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

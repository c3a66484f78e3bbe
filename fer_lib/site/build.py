"""`make book`: Jupyter Book's build, told in a few lines when it fails."""

import errno
import sys
import time

from jupyter_book.cli.main import main as jupyter_book
from sphinx.errors import SphinxError

from fer_lib.cli.check_env import FREE_DISK_GB, environment

ARGUMENTS = ("build", ".", "-W", "-n", "--keep-going")


def main() -> None:
    started = time.perf_counter()
    try:
        jupyter_book.main(list(ARGUMENTS), standalone_mode=False)
    except (Exception, SystemExit) as error:
        print(f"\n{told(error)}", file=sys.stderr)
        for check in environment(book=True):
            if check.ok is False:
                print(f"Lacking: {check.need}: {check.found}. Cure: {check.cure}", file=sys.stderr)
        sys.exit(1)
    print(f"Built in {time.perf_counter() - started:.0f} s.")


def told(error: BaseException) -> str:
    """The first cause, in words: Jupyter Book wraps it in errors of its own, or exits with it."""
    status = error.code if isinstance(error, SystemExit) else None
    causes = [status if isinstance(status, BaseException) else error]
    while following := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(following)
    if any(getattr(cause, "errno", None) == errno.ENOSPC or "disk is full" in str(cause) for cause in causes):
        return (
            f"The disk is full. Free some space (a build needs about {FREE_DISK_GB} GB, `make clean` removes what was "
            "built) and run make book again: chapters that were executed are kept."
        )
    if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
        return "Interrupted; executed chapters are kept."
    sphinx = next((cause for cause in causes if isinstance(cause, SphinxError)), None)
    if sphinx:
        return f"The book was not built.\n\n{sphinx}"
    if isinstance(causes[-1], SystemExit):  # with Sphinx's status: it has printed the warnings that stopped it
        return "The book was not built: each warning above names its file and line."
    return f"The book was not built: {type(causes[-1]).__name__}: {causes[-1]}"


if __name__ == "__main__":
    main()

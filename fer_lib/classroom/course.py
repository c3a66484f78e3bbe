"""nbgrader's course folder: source, release, gradebook, and the fenced kernel that grades."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nbformat

from fer_lib.classroom.key import Key, with_hidden_tests
from fer_lib.classroom.source import clear_config, read_source
from fer_lib.errors import UserError
from fer_lib.files import write_json, write_text

KERNEL = "fer-lib-fenced"
SECONDS_A_CELL = 60
CONFIG = '''\
"""nbgrader's settings for this course. Learners' code runs in a fenced kernel (fer_lib.classroom.guard)."""

import os
from pathlib import Path

here = Path(__file__).resolve().parent
os.environ["JUPYTER_PATH"] = str(here / "jupyter")
c = get_config()
c.CourseDirectory.root = str(here)
c.CourseDirectory.course_id = "fer-lib"
c.ClearSolutions.update({clear})
c.OverwriteCells.add_missing_cells = True
c.Execute.kernel_name = "{kernel}"
c.Execute.timeout = {seconds}  # seconds a cell
c.Execute.iopub_timeout = 20
c.LimitOutput.max_lines = 200
'''


def make_course(root: Path, sources: list[Path], key: Key) -> None:
    """Fill `root`: the teacher's notebooks with hidden tests, and by nbgrader itself the release and the gradebook."""
    clear = json.dumps(clear_config()["ClearSolutions"])
    config = CONFIG.format(clear=clear, kernel=KERNEL, seconds=SECONDS_A_CELL)
    write_text(root / "nbgrader_config.py", config)
    argv = ["python", "-m", "fer_lib.classroom.guard", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3 (fenced)", "language": "python", "interrupt_mode": "message"}
    write_json(root / "jupyter" / "kernels" / KERNEL / "kernel.json", spec)
    (root / "submitted").mkdir(exist_ok=True)
    api = open_course(root)
    for path in sources:
        notebook = with_hidden_tests(read_source(path), key)
        write_text(root / "source" / path.stem / f"{path.stem}.ipynb", nbformat.writes(notebook) + "\n")
        outcome = api.generate_assignment(path.stem)
        if not outcome["success"]:
            raise UserError(f"{path}: nbgrader could not make the assignment:\n{outcome.get('log', outcome['error'])}")


def open_course(root: Path, **settings: object):
    """nbgrader's API on this course. Raises UserError if `root` is none of our courses."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    if not (root / "nbgrader_config.py").is_file():
        raise UserError(f"{root}: holds no nbgrader_config.py; unpack the teacher's pack and name its course folder")
    # nbgrader calls `alembic` by name, which a virtual environment that is not activated would hide
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join((programs, os.environ.get("PATH", "")))
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    config.NbGraderAPI.log_level = "WARN"
    for name, value in settings.items():
        group, _, option = name.partition("__")
        config[group][option] = value
    return NbGraderAPI(config=config)

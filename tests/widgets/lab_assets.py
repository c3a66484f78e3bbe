"""tools/make_lab_assets.py as a module."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

TOOL = Path(__file__).parents[2] / "tools" / "make_lab_assets.py"


@cache
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_lab_assets", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

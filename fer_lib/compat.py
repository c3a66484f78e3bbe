"""One guard: torchvision beside a CPU build of torch.

The registry's torchvision wheel is built for CUDA. Beside a CPU build of torch its compiled part does not load, and
`import torchvision` dies with "operator torchvision::nms does not exist". Transforms, data sets and models need
nothing compiled, so it is enough to declare the two missing operators. Where torchvision is whole nothing is declared.
"""

import importlib
import sys
from types import ModuleType

_MISSING_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> ModuleType:
    """Import torchvision, declaring its missing operators only if the plain import fails for want of them.

    Call it before any import of torchvision (or of a package that imports it, such as torchmetrics).
    Raises whatever the plain import raises for any other cause, such as ModuleNotFoundError.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    _declare_missing_operators()
    _forget_half_imported()
    return importlib.import_module("torchvision")


def _declare_missing_operators() -> None:
    import torch

    for name, schema in _MISSING_SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", schema)


def _forget_half_imported() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]

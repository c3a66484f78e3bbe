"""Training: what a run is (`TrainConfig`), the loop (`fit`), and checkpoints that survive a kill."""

from fer_lib.training.config import PRESETS, VARIANTS, TrainConfig
from fer_lib.training.loop import TrainResult, fit
from fer_lib.training.run import load_run

__all__ = ["PRESETS", "VARIANTS", "TrainConfig", "TrainResult", "fit", "load_run"]

"""Training: what a run is (`TrainConfig`), the loop (`fit`) and its start (`watch_start`), and lasting checkpoints."""

from fer_lib.training.config import PRESETS, VARIANTS, TrainConfig
from fer_lib.training.loop import TrainResult, fit
from fer_lib.training.run import load_run
from fer_lib.training.start import live_units, watch_start

__all__ = ["PRESETS", "VARIANTS", "TrainConfig", "TrainResult", "fit", "live_units", "load_run", "watch_start"]

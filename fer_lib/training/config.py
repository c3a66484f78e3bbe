"""What a run is: every choice that changes its weights, each with its reason and its source."""

import dataclasses
import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from fer_lib.errors import UserError
from fer_lib.model import ZeroBiasCNN
from fer_lib.preprocess import VARIANCE_EPSILON, Augmentation, check_recipe, local_normalise, to_unit

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"dropout": 0.0, "augment": False},
    "D": {"dropout": 0.5, "augment": False},
    "A": {"dropout": 0.0, "augment": True},
    "AD": {"dropout": 0.5, "augment": True},
}
_RECIPE_FIELDS: dict[str, dict[str, Any]] = {
    "as_released": {"unit_variance": False, "min_max": True, "fc4_init": "as_released", "shift_with_scale": True},
    "as_described": {"unit_variance": True, "min_max": False, "fc4_init": "as_described", "shift_with_scale": True},
}
PRESETS: dict[str, dict[str, Any]] = {
    # the authors' schedule, from their train.py
    "paper": {"size": 96, "steps": 31_000, "checkpoint_every": 1_000, "schedule": "constant", "init_gain": None},
    # chapters and CI: minutes on two cores. Smaller batches, a high rate with a warm-up and a fall, and a fixed gain
    # make few pictures count; chosen on the validation images of fold 0 of the synthetic faces, never on test images.
    "quick": {
        "size": 48,
        "steps": 1_200,
        "batch_size": 32,
        "checkpoint_every": 200,
        "learning_rate": 0.03,
        "schedule": "cosine",
        "warmup": 100,
        "init_gain": 1.0,
    },
}
_CHOICES = {
    "schedule": ("constant", "cosine"),
    "precision": ("auto", "float32", "bfloat16"),
    "fc4_init": ("as_released", "as_described"),
}


@dataclass(frozen=True)
class TrainConfig:
    """One training run. The defaults are the paper's best network (AD) as the 2015-17 code trains it.

    `TrainConfig.make(recipe, variant, preset)` fills the fields by name. Raises UserError for a value out of range.
    """

    steps: int = 31_000  # batches; authors' train.py: num_batches=31000
    batch_size: int = 64  # authors' model.py
    learning_rate: float = 1e-2  # authors' train.py
    schedule: str = "constant"  # released: never lowered; "cosine" falls to 0, for short runs
    warmup: int = 0  # steps of linear rise before that; released: none; high rates from the start kill the rectifiers
    momentum: float = 0.9  # authors' library (anna.models)
    weight_decay: float = 1e-5  # authors' library: on everything, biases too
    # authors' train.py: 31 checkpoints to choose from, theirs after batches 1, 1,001 … 30,001, ours 1,000 … 31,000
    checkpoint_every: int = 1_000  # steps
    size: int = 96  # px; a multiple of 8
    zero_bias: bool = True  # False: the twin with convolution biases, our control
    dropout: float = 0.5  # on fc4's input; authors' train.py for D and AD
    augment: bool = True  # the variants A and AD
    # the three lines where the released code and the paper's text (as we remember it: unverified) part
    unit_variance: bool = False  # released: `std ** (1 / 2)` is 1 in Python 2.7; described: divide by the local std
    min_max: bool = True  # released: the stretch undoes contrast and brightness; described: they act, then clip
    fc4_init: str = "as_released"  # released: fan-in counts the batch (std k/256); described: std k/32
    shift_with_scale: bool = True  # released: a face that is not scaled is not shifted; False: an experiment of ours
    variance_epsilon: float = VARIANCE_EPSILON  # ours: the text names none; only used with unit_variance
    init_gain: float | None = None  # k; None draws it from U(0.2, 1.2) as released (there unseeded)
    # released: batches and augmentation always start from seed 0, dropout from Theano's default, 12345
    seed: int = 0  # weights, batches, augmentation and dropout; released: only the weights and k are unseeded
    precision: str = "auto"  # ours: bfloat16 autocast where the machine multiplies it natively, else float32

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "checkpoint_every", "size", "warmup", "seed"):
            _expect(isinstance(getattr(self, name), Integral), name, getattr(self, name), "a whole number")
        for name in ("steps", "batch_size", "checkpoint_every", "learning_rate"):
            _expect(0 < getattr(self, name) < math.inf, name, getattr(self, name), "a number above 0")
        for name in ("weight_decay", "variance_epsilon"):
            _expect(0 <= getattr(self, name) < math.inf, name, getattr(self, name), "a number from 0")
        gain = self.init_gain
        _expect(gain is None or 0 < gain < math.inf, "init_gain", gain, "a number above 0, or None to draw it")
        _expect(self.size > 0 and self.size % 8 == 0, "size", self.size, "a positive multiple of 8, such as 96")
        _expect(0 <= self.dropout < 1, "dropout", self.dropout, "0 up to, not including, 1")
        _expect(0 <= self.momentum < 1, "momentum", self.momentum, "0 up to, not including, 1")
        _expect(self.warmup >= 0, "warmup", self.warmup, "a number of steps from 0")
        _expect(0 <= self.seed < 2**63, "seed", self.seed, "a whole number from 0")
        for name, allowed in _CHOICES.items():
            _expect(getattr(self, name) in allowed, name, getattr(self, name), f"one of {', '.join(allowed)}")

    @classmethod
    def make(cls, recipe: str = "as_released", variant: str = "AD", preset: str = "paper", **fields: Any) -> Self:
        """A config by names, then single `fields` replaced; a field given as None keeps the preset's value."""
        named = {"variant": VARIANTS, "preset": PRESETS}
        for what, name in (("variant", variant), ("preset", preset)):
            _expect(name in named[what], what, name, f"one of {', '.join(named[what])}")
        chosen = {name: value for name, value in fields.items() if value is not None}
        known = {field.name for field in dataclasses.fields(cls)}
        for name in chosen:
            _expect(name in known, "field", name, f"one of {', '.join(sorted(known))}")
        return cls(**(PRESETS[preset] | VARIANTS[variant] | _RECIPE_FIELDS[check_recipe(recipe)] | chosen))

    @property
    def checkpoint_steps(self) -> tuple[int, ...]:
        """The steps after which a checkpoint is kept: each `checkpoint_every`, and the last."""
        return tuple(sorted({*range(self.checkpoint_every, self.steps, self.checkpoint_every), self.steps}))

    @property
    def recipe(self) -> str:
        """ "as_released", "as_described", "as_released but min_max=False" for one change, else "custom"."""
        released = _RECIPE_FIELDS["as_released"]
        changed = [name for name, value in released.items() if getattr(self, name) != value]
        if len(changed) == 1:
            return f"as_released but {changed[0]}={getattr(self, changed[0])}"
        return _name_of(self, _RECIPE_FIELDS)

    @property
    def variant(self) -> str:
        """ "plain", "D", "A" or "AD"; "custom" for another dropout rate."""
        return _name_of(self, VARIANTS)

    def as_dict(self) -> dict[str, Any]:
        """Every field, ready for JSON."""
        return dataclasses.asdict(self)

    def generator(self, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
        """A generator of this run's seed; each purpose ("weights", "batches", "dropout") has its own stream."""
        entropy = np.random.SeedSequence([self.seed, *purpose.encode()]).generate_state(1, np.uint64)[0]
        return torch.Generator(device).manual_seed(int(entropy) >> 1)

    def model(self, classes: int) -> ZeroBiasCNN:
        """The untrained network of this run."""
        return ZeroBiasCNN(
            classes,
            self.size,
            self.zero_bias,
            self.generator("weights"),
            dropout=self.dropout,
            gain=self.init_gain,
            fc4_init=self.fc4_init,
        )

    def prepare(self, images: Tensor) -> Tensor:
        """Pictures (B, 1, S, S), uint8 or float 0-1, to this run's input: as at test time, never augmented."""
        return local_normalise(2 * to_unit(images), self.unit_variance, self.variance_epsilon)

    def training_batch(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """As `prepare`, after augmentation where the variant has it."""
        if not self.augment:
            return self.prepare(images)
        augmentation = Augmentation(min_max=self.min_max, shift_with_scale=self.shift_with_scale)
        return self.prepare(augmentation(to_unit(images), generator))

    def rate(self, step: int) -> float:
        """Learning rate of the step, counted from 0."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        fall = 0.5 * (1 + math.cos(math.pi * step / self.steps)) if self.schedule == "cosine" else 1.0
        return self.learning_rate * rise * fall


def resolve_precision(precision: str, device: torch.device) -> str:
    """ "float32" or "bfloat16" for the device: "auto" takes bfloat16 where the hardware multiplies it natively.

    On a CPU that is AMX or AVX512-BF16. Measured on a two-core CPU with AVX512-BF16, bfloat16 with channels-last
    was about twice as fast as float32 with channels-last at 48 and at 96 px (`benchmarks/training.py`).
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    native = torch.backends.mkldnn.is_available() and (
        torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    )
    return "bfloat16" if device.type == "cpu" and native else "float32"


def resolve_device(device: str) -> torch.device:
    """ "auto" is a CUDA device where there is one, else the CPU. Raises UserError for one of another kind or absent."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError:
        found = None
    if found is None or found.type not in ("cpu", "cuda"):
        raise UserError(f"device {device!r} is not supported; expected auto, cpu, cuda or cuda:0")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"device {device!r}: torch {torch.__version__} finds {torch.cuda.device_count()} CUDA devices; "
            "use --device cpu, or install a CUDA build of torch"
        )
    return found


def _name_of(config: TrainConfig, table: dict[str, dict[str, Any]]) -> str:
    matches = (name for name, fields in table.items() if all(getattr(config, k) == v for k, v in fields.items()))
    return next(matches, "custom")


def _expect(condition: bool, name: str, found: Any, expected: str) -> None:
    if not condition:
        raise UserError(f"{name} is {found!r}; expected {expected}")

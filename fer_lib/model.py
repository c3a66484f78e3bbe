"""The paper's network: three convolutions without bias, quadrant pooling, one hidden layer. Knows no data."""

import hashlib
import math
from pathlib import Path

import torch
from torch import Tensor, nn

from fer_lib.errors import UserError
from fer_lib.files import read_json, read_tensors

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
LAYERS = (
    *("conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "conv3", "relu3", "pool3"),
    *("flatten", "dropout", "fc4", "relu4", "output"),
)
RELEASED_BATCH = 64  # the authors' batch size, which slipped into fc4's fan-in


class ZeroBiasCNN(nn.Module):
    """Zero-bias convolutional network of Khorrami, Paine and Huang (2015), from the authors' released code.

    Input (B, 1, size, size), float, already prepared (`fer_lib.preprocess.prepare`); output logits (B, classes).
    `size` is any multiple of 8, in pixels: 96 in the paper. `zero_bias=False` is the twin with convolution biases.
    `generator` (CPU) draws the weights, None means seed 0; see `initialise` for `gain` and `fc4_init`.
    One nn.ReLU module a layer: with a functional ReLU, captum's decoders silently return the plain gradient.

    Raises UserError for a size that is not a positive multiple of 8, or fewer than two classes.
    """

    def __init__(
        self,
        classes: int = 8,
        size: int = 96,
        zero_bias: bool = True,
        generator: torch.Generator | None = None,
        *,
        dropout: float = 0.5,
        gain: float | None = None,
        fc4_init: str = "as_released",
    ) -> None:
        super().__init__()
        _check_shape(classes, size)
        self.classes, self.size, self.zero_bias = classes, size, zero_bias
        self.conv1, self.relu1, self.pool1 = _convolution(1, 64, zero_bias), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.relu2, self.pool2 = _convolution(64, 128, zero_bias), nn.ReLU(), nn.MaxPool2d(2)
        self.conv3, self.relu3 = _convolution(128, 256, zero_bias), nn.ReLU()
        self.pool3 = nn.MaxPool2d(size // 8)  # quadrant pooling: 2 x 2 values a filter at any size
        self.flatten = nn.Flatten()
        self.dropout = Dropout(dropout)
        self.fc4, self.relu4 = nn.utils.skip_init(nn.Linear, 1024, 300), nn.ReLU()
        self.output = nn.utils.skip_init(nn.Linear, 300, classes)
        initialise(self, generator or torch.Generator().manual_seed(0), gain=gain, fc4_init=fc4_init)

    def forward(self, x: Tensor) -> Tensor:
        self._check_input(x)  # (B, 1, S, S); sizes below for S = 96
        x = self._pooled(1, self.conv1(x))  # (B, 64, 48, 48)
        x = self._pooled(2, self.conv2(x))  # (B, 128, 24, 24)
        x = self._pooled(3, self.conv3(x))  # (B, 256, 2, 2)
        x = self.dropout(self.flatten(x))  # (B, 1024): filter f owns entries 4f ... 4f + 3
        x = self.relu4(self.fc4(x))  # (B, 300)
        return self.output(x)  # (B, classes)

    def activations(self, x: Tensor, layer: str = "conv3") -> Tensor:
        """Rectified responses of one layer to prepared images x (B, 1, S, S).

        "conv1" ... "conv3" and "fc4" mean the values after their ReLU: (B, 256, S/4, S/4) for conv3. Every other
        name ("pool3", "output", ...) gives that module's output. Raises UserError for an unknown layer.
        """
        if layer not in LAYERS:
            raise UserError(f"layer {layer!r} is not in the network; expected one of {', '.join(LAYERS)}")
        self._check_input(x)
        last = layer.replace("conv", "relu").replace("fc", "relu")
        for name in LAYERS[: LAYERS.index(last) + 1]:
            x = getattr(self, name)(x)
        return x

    def _pooled(self, stage: int, x: Tensor) -> Tensor:
        """Rectified and pooled. Rectifying last gives the same values and gradients, and touches a quarter of them."""
        relu, pool = getattr(self, f"relu{stage}"), getattr(self, f"pool{stage}")
        return relu(pool(x)) if self.training else pool(relu(x))

    def _check_input(self, x: Tensor) -> None:
        if x.ndim != 4 or tuple(x.shape[1:]) != (1, self.size, self.size):
            raise UserError(
                f"images of shape {tuple(x.shape)} do not fit the network; expected (B, 1, {self.size}, {self.size}): "
                "resize the data, or build the network with their size"
            )


class Dropout(nn.Dropout):
    """nn.Dropout with a generator of its own, so that a run repeats without touching torch's global one.

    Inverted scaling, as in the authors' library: kept values are divided by 1 - p. None means the global generator.
    """

    generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.p
        return x * kept / (1 - self.p)


def initialise(
    model: ZeroBiasCNN, generator: torch.Generator, *, gain: float | None = None, fc4_init: str = "as_released"
) -> None:
    """Draw all weights from N(0, k / sqrt(fan-in)); fc4's bias starts at 1, every other bias at 0 (authors' code).

    One `gain` k serves the whole network; None draws it from U(0.2, 1.2), as the authors' code does (unseeded there).
    `fc4_init`: "as_released" divides by sqrt(64 * 1024) = 256, because the released code counts the batch of 64 in
    fc4's fan-in; "as_described" divides by sqrt(1024) = 32.
    """
    batch = {"as_released": RELEASED_BATCH, "as_described": 1}.get(fc4_init)
    if batch is None:
        raise UserError(f"fc4_init {fc4_init!r} is unknown; expected 'as_released' or 'as_described'")
    if gain is None:
        gain = float(torch.empty(()).uniform_(0.2, 1.2, generator=generator))
    for layer in (model.conv1, model.conv2, model.conv3, model.fc4, model.output):
        fan_in = layer.weight[0].numel() * (batch if layer is model.fc4 else 1)
        nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in), generator=generator)
        if layer.bias is not None:
            nn.init.constant_(layer.bias, 1.0 if layer is model.fc4 else 0.0)


def pretrained_names() -> tuple[str, ...]:
    """Names of the weights shipped with the package."""
    return tuple(sorted(path.stem for path in WEIGHTS_FOLDER.glob("*.safetensors")))


def load_pretrained(name: str, folder: Path = WEIGHTS_FOLDER) -> tuple[ZeroBiasCNN, dict]:
    """The named shipped network, float32 and in evaluation mode, and its card.

    The card is a plain dict: emotions, size, zero_bias, data and its hash, recipe, seed, accuracy on its own test
    fold, commit. Raises UserError for an unknown name or a file that is not the one the card describes.
    """
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        allowed = sorted(file.stem for file in folder.glob("*.safetensors"))
        raise UserError(
            f"no pretrained weights named {name!r}; expected one of: {', '.join(allowed) or 'none shipped'}"
        )
    card = read_json(path.with_suffix(".json"))
    if hashlib.sha256(path.read_bytes()).hexdigest() != card["weights_sha256"]:
        raise UserError(f"{path}: its sha256 is not the one on its card; reinstall fer-lib to restore the file")
    model = ZeroBiasCNN(len(card["emotions"]), card["size"], card["zero_bias"])
    load_weights(model, read_tensors(path)[0], path)
    return model.eval(), card


def load_weights(model: ZeroBiasCNN, tensors: dict[str, Tensor], source: Path) -> None:
    """Copy named tensors into the model, widening float16. Raises UserError naming the first that does not fit."""
    expected = model.state_dict()
    wrong = sorted(expected.keys() ^ tensors.keys()) or [n for n in expected if expected[n].shape != tensors[n].shape]
    if wrong:
        found, wanted = tensors.get(wrong[0]), expected.get(wrong[0])
        raise UserError(
            f"{source}: holds another architecture: {wrong[0]} is {_shape(found)}, expected {_shape(wanted)}; "
            "build the network the file was made for (classes, zero_bias) or choose another file"
        )
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})


def _shape(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else f"of shape {tuple(tensor.shape)}"


def _convolution(inputs: int, filters: int, zero_bias: bool) -> nn.Conv2d:
    # skip_init: `initialise` draws the weights, so nothing is drawn from torch's global generator
    return nn.utils.skip_init(nn.Conv2d, inputs, filters, 5, padding=2, bias=not zero_bias)


def _check_shape(classes: int, size: int) -> None:
    if size < 8 or size % 8:
        raise UserError(f"image size {size} px does not fit the network; expected a positive multiple of 8, such as 96")
    if classes < 2:
        raise UserError(f"{classes} classes cannot be told apart; expected at least 2 (the paper has 6, 7 and 8)")

"""Named wrong answers, as learners give them: a change to the right solution, what it costs, what the check says."""

# ruff: noqa: E501 (a table reads best with one mistake a line)
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """In solution cell `cell`, `old` becomes `new`; the checks `lost` give no points; the diagnosis holds `says`."""

    name: str
    cell: str
    old: str
    new: str
    says: str
    lost: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[str, ...]:
        return self.lost or (f"check-{self.cell}",)


WRONG: dict[str, tuple[Wrong, ...]] = {
    "01-zero-bias": (
        Wrong("flipped-kernel", "convolve", "kernel[row, column]", "kernel[4 - row, 4 - column]", "flipped"),
        Wrong("with-bias", "stack", "nn.Conv2d(64, 128, 5, padding=2, bias=False)", "nn.Conv2d(64, 128, 5, padding=2)", "has a bias"),
        Wrong("variance", "initialise", "gain / fan_in**0.5", "gain**2 / fan_in", "variance"),
        Wrong("against-a-of-x", "homogeneity-gap", "(scaled - times)", "(scaled - times / c)", "compared a(c·x) with a(x)"),
        Wrong("all-units", "euler", "network(x)[0][unit]", "network(x).sum()", ""),
        Wrong("no-padding", "convolve", "(2, 2, 2, 2)", "(0, 4, 0, 4)", "convolve on a picture"),
        Wrong("functional-relu", "stack", "self.relu3(self.conv3(x))", "self.conv3(x).relu()", "relu3 is called 0 times"),
        Wrong("fan-out", "initialise", "layer.weight[0]", "layer.weight[:, 0]", "fan-out"),
        Wrong("gradient-sum", "euler", "(gradient * x).sum()", "gradient.sum()", "multiply it with x"),
    ),
    "02-folds": (
        Wrong("pictures-dealt", "subject-groups", "rank % folds", "np.arange(len(subject)) % folds", "dealt images"),
        Wrong("no-wrap", "fold-table", "(t + 1) % folds", "t + 1", "last fold nobody validates"),
        Wrong("with-validation", "shared-people", "part == 3", "part >= 2", "validation (2) as test"),
        Wrong("one-checkpoint", "selection-bias", "validation.argmax(axis=1)", "np.full(len(test), validation.mean(axis=0).argmax())", "one checkpoint for all"),
        Wrong("farthest", "nearest-labels", "argmin", "argmax", "farthest"),
        Wrong("blocks", "subject-groups", "rank % folds", "rank * folds // (rank.max() + 1)", "blocks"),
        Wrong("codes-swapped", "fold-table", "t] = 2", "t] = 4", "at"),
    ),
    "03-deconvnet": (
        Wrong("switches-transposed", "pool", "permute(0, 1, 3, 2, 4)", "permute(0, 1, 3, 4, 2)", "rows and columns", ("check-pool", "check-deconvnet")),
        Wrong("no-permute", "unpool", ".permute(0, 1, 3, 2, 4)", "", "wrong places", ("check-unpool", "check-deconvnet")),
        Wrong("guided-for-deconvnet", "through-relu", 'rule != "deconvnet"', "True", "guided", ("check-through-relu", "check-deconvnet")),
        Wrong("kernel-as-it-is", "transposed", "weight.flip(2, 3)", "weight", "not flipped", ("check-transposed", "check-deconvnet")),
        Wrong("from-one", "deconvnet", "= top[unit]", "= 1", "not from 1"),
        Wrong("with-diagonal", "specificity", "cosine.sum() - cosine.trace()", "cosine.sum()", ""),
        Wrong("guided-map", "deconvnet", '"deconvnet"', '"guided"', "guided backpropagation"),
    ),
    "04-alignment": (
        Wrong("bits", "kl", "np.log(", "np.log2(", "natural logarithm"),
        Wrong("reciprocal-of-sum", "kl-bias", "* (1 / n1 + 1 / n0)", "/ (n1 + n0)", "reciprocals"),
        Wrong("ties-by-order", "auroc", "rankdata(activation)", "rankdata(activation, method='ordinal')", "order of the images"),
        Wrong("single-images", "permute-sequences", "shuffled[rows] = labels[rows[rng.permutation(len(rows))]]", "shuffled = rng.permutation(labels)", "single images"),
        Wrong("p-zero", "max-p", "(reached + 1) / (len(null) + 1)", "reached / len(null)", "p can become 0"),
        Wrong("own-edges", "kl", "activation[present], edges", "activation[present], bins", ""),
        Wrong("within-sequence", "permute-sequences", "labels[rows[rng.permutation(len(rows))]]", "rng.permutation(labels[rows], axis=1)", "within a sequence"),
        Wrong("columns-apart", "permute-sequences", "shuffled[rows] = labels[rows[rng.permutation(len(rows))]]", "shuffled = rng.permuted(labels, axis=0)", "rows were torn apart"),
        Wrong("one-sided", "max-p", "np.abs(null).max", "null.max", ""),
    ),
    "05-intervention": (
        Wrong("one-side", "intervene", "out[:, :, column]", "out[:, 0, column]", "only the left side"),
        Wrong("unpaired", "paired-effect", "difference.std(ddof=1)", "np.sqrt((with_.var(ddof=1) + without.var(ddof=1)) / 2)", "own control"),
        Wrong("one-sided", "sign-flip-p", "np.abs(signs @ difference) >= abs(difference.sum())", "signs @ difference >= difference.sum()", ""),
        Wrong("by-size", "survives", "effect[label] >= effect.max()", "effect[label] >= abs(effect).max()", "downwards"),
        Wrong("no-rivals", "plan", '"rivals": [25, 26, 5]', '"rivals": [27]', "two rivals"),
        Wrong("added", "intervene", "= dose", "+= dose", "*sets*"),
        Wrong("no-plus-one", "sign-flip-p", "(reached.sum() + 1) / (flips + 1)", "reached.sum() / flips", "p is 0"),
    ),
}  # fmt: skip
"""The first five of each assignment go through nbgrader; all go through the checks."""

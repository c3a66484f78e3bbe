"""What holds of the paper's claims: the rules of book/results/PROTOCOL.md, read off the ledger and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_lib.reproduction.recorded import in_points
from fer_lib.reproduction.summary import DO_RESTING, FACTORIAL
from fer_lib.results import LEDGER, names, read

REPRODUCED, PARTLY, NOT, CANNOT, OPEN = "reproduced", "partly", "not", "cannot", "open"
MARGIN = 0.03  # of accuracy: zero bias may cost this much and still cost nothing worth having
HELD_OUT_GAIN = 0.05  # of AUROC, over the controls
NEEDED = 8  # of ten networks
SPECIFIC = 0.5  # mean cosine under which maps of different filters count as different
SURVIVES = 0.5  # median share of labels

_GROUPS = {"trained": 10, "untrained": 5, "shuffled": 3, "identity": 3}  # networks that the protocol studies

Values = dict[str, Any]
Judgement = tuple[str, str]  # verdict, the numbers behind it


@dataclass(frozen=True)
class Verdict:
    """One claim and what the recorded runs say of it; "open" while a run that it rests on is unfinished."""

    key: str
    claim: str
    verdict: str
    numbers: str
    would_change: str


@dataclass(frozen=True)
class _Rule:
    key: str
    claim: str
    entries: tuple[str, ...]
    judge: Callable[..., Judgement]
    would_change: str


def verdicts(ledger: Path = LEDGER) -> list[Verdict]:
    """The verdict on every claim of the protocol, in its order."""
    held = {name: read(name, ledger).values for name in names(ledger)}
    return [_apply(rule, held) for rule in _RULES]


def _apply(rule: _Rule, held: dict[str, Values]) -> Verdict:
    missing = [name for name in rule.entries if not _finished(held.get(name))]
    if missing:
        verdict, numbers = OPEN, f"the recorded run of {' and '.join(missing)} is not finished"
    else:
        verdict, numbers = rule.judge(*(held[name] for name in rule.entries))
    return Verdict(rule.key, rule.claim, verdict, numbers, rule.would_change)


def _finished(values: Values | None) -> bool:
    if values is None:
        return False
    if "groups" in values:
        return all(
            values["groups"].get(name, {}).get("labels", {}).get("networks", 0) >= n for name, n in _GROUPS.items()
        )
    return values.get("planned") == values.get("finished")


def _printed_accuracy() -> Judgement:
    return CANNOT, "the pictures of CK+ and TFD are gated; rendered faces cannot decide what those pictures give"


def _regularisation(block: Values) -> Judgement:
    # the block's first configuration is plain as released; contrasts are against it
    found = block["contrasts"]["synthetic/8/as_released/AD"]["image"]
    numbers = f"CNN+AD minus plain: {in_points(found)}"
    if found["low"] > 0:
        return REPRODUCED, numbers
    return (PARTLY if found["difference"] > 0 else NOT), numbers


def _zero_bias(block: Values) -> Judgement:
    biased = block["contrasts"]["synthetic/8/as_released/AD/bias"]["image"]  # with biases minus without
    found = {"difference": -biased["difference"], "low": -biased["high"], "high": -biased["low"]}
    numbers = f"without minus with biases: {in_points(found)}"
    if found["low"] > -MARGIN:
        return REPRODUCED, numbers
    return (PARTLY if found["difference"] > -MARGIN else NOT), numbers


def _patterns(filters: Values) -> Judgement:
    trained = _members(filters, "trained")
    beats = {base: sum(_beats(row, base) for row in trained) for base in ("box", "other filter")}
    specificity = filters["groups"]["trained"]["specificity_guided"]["mean"]
    numbers = (
        f"mass of guided maps in the exact mask beats a box in {beats['box']} of {len(trained)} networks and another "
        f"filter in {beats['other filter']}; mean cosine between maps of different filters {specificity:.2f}"
    )
    both = min(beats.values()) >= NEEDED
    if both and specificity < SPECIFIC:
        return REPRODUCED, numbers
    return (PARTLY if both or beats["box"] >= NEEDED else NOT), numbers


def _beats(row: Values, baseline: str) -> bool:
    found = [line for line in row["probes"]["localisation"] if (line["score"], line["baseline"]) == ("mass", baseline)]
    return bool(found) and found[0]["gain"] is not None and found[0]["gain"] > 0 and found[0]["p"] <= 0.05


def _labels(filters: Values) -> Judgement:
    wins, numbers = _over(filters["groups"], "untrained")
    return (NOT, PARTLY, REPRODUCED)[wins], numbers


def _cause(filters: Values) -> Judgement:
    found = {kind: _over(filters["groups"], kind) for kind in ("shuffled", "identity")}
    wins = sum(wins == 2 for wins, _ in found.values())
    return (NOT, PARTLY, REPRODUCED)[wins], "; ".join(numbers for _, numbers in found.values())


def _over(groups: Values, control: str) -> tuple[int, str]:
    """How many of the two tests against a control group hold, and the numbers."""
    trained, other = groups["trained"], groups[control]
    gain = trained["held_out_auroc"]["mean"] - other["held_out_auroc"]["mean"]
    tests = (trained["labels"]["least"] > other["labels"]["most"], gain >= HELD_OUT_GAIN)
    numbers = (
        f"filters with a label: {trained['labels']['least']:.0f} to {trained['labels']['most']:.0f} trained, "
        f"{other['labels']['least']:.0f} to {other['labels']['most']:.0f} {control}; "
        f"held-out AUROC {trained['held_out_auroc']['mean']:.3f} and {other['held_out_auroc']['mean']:.3f}"
    )
    return sum(tests), numbers


def _company(filters: Values) -> Judgement:
    trained = filters["groups"]["trained"]
    shares = {test: trained[name]["median"] for test, name in _SURVIVAL.items()}
    numbers = ", ".join(f"{share:.0%} ({test})" for test, share in shares.items())
    wins = sum(share >= SURVIVES for share in shares.values())
    return (NOT, PARTLY, REPRODUCED)[wins], f"median share of labels that survive: {numbers}"


_SURVIVAL = {DO_RESTING: "survival_resting", FACTORIAL: "survival_factorial"}


def _members(filters: Values, group: str) -> list[Values]:
    return [row for name, row in filters["networks"].items() if name.startswith(f"{group}-")]


_RULES = (
    _Rule(
        "C1a", "The network reaches the printed accuracies on CK+ and TFD.", (), _printed_accuracy,
        "The same protocol run on the real pictures, which one command does for those who hold them.",
    ),
    _Rule(
        "C1b", "Dropout and augmentation help.", ("plain-against-ad",), _regularisation,
        "The full schedule of 31,000 batches at 96 px, or the real pictures, turning the sign.",
    ),
    _Rule(
        "C1c", "Convolutions need no bias.", ("biases",), _zero_bias,
        "A longer schedule in which the biased twin pulls ahead by three points or more.",
    ),
    _Rule(
        "C2", "Third-layer filters respond to patterns that look like action units.", ("filters",), _patterns,
        "A decoder whose maps change with the filter and lie where the action unit moves the face.",
    ),
    _Rule(
        "C3a", "Labels of action units confirm it.", ("filters",), _labels,
        "Untrained networks that do as well on new people.",
    ),
    _Rule(
        "C3b", "It comes from learning emotions.", ("filters",), _cause,
        "Networks trained on identities or on shuffled labels that align as well.",
    ),
    _Rule(
        "C3c", "Filters answer to the action unit itself, not to the company it keeps.", ("filters",), _company,
        "Labels that hold, or fall, when single action units are changed on photographs.",
    ),
)  # fmt: skip

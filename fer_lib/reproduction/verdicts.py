"""What holds of the paper's claims: the rules of book/results/PROTOCOL.md, read off the ledger and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_lib.reproduction.recorded import in_points
from fer_lib.reproduction.summary import members
from fer_lib.results import LEDGER, names, read

REPRODUCED, PARTLY, NOT, CANNOT, OPEN = "reproduced", "partly", "not", "cannot", "open"
MARGIN = 0.03  # of accuracy: zero bias may cost this much and still cost nothing worth having
HELD_OUT_GAIN = 0.05  # of AUROC, over the controls
NEEDED = 0.8  # of the networks: eight of ten
SPECIFIC = 0.5  # mean cosine under which maps of different filters count as different
SURVIVES = 0.5  # median share of labels
BASELINES = ("box", "other filter")  # what a map's mass in the mask is compared with

_GROUPS = {"trained": 10, "untrained": 5, "shuffled": 3, "identity": 3}  # networks that the protocol studies

_CHANCE = "; the interval is so wide that this may be chance"

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
    """`overturned`: what result would turn the verdict, by verdict; the last one stands for those not named."""

    key: str
    claim: str
    entries: tuple[str, ...]
    judge: Callable[..., Judgement]
    overturned: dict[str, str]


def verdicts(ledger: Path = LEDGER) -> list[Verdict]:
    """The verdict on every claim of the protocol, in its order."""
    held = {name: read(name, ledger).values for name in names(ledger)}
    return [_apply(rule, held) for rule in _RULES]


def judge(key: str, *values: Values) -> Judgement:
    """What the rule of claim `key` makes of values that are not the ledger's own, such as those of another run."""
    return next(rule for rule in _RULES if rule.key == key).judge(*values)


def _apply(rule: _Rule, held: dict[str, Values]) -> Verdict:
    missing = [name for name in rule.entries if not _finished(held.get(name))]
    if missing:
        verdict, numbers = OPEN, f"the recorded run of {' and '.join(missing)} is not finished"
    else:
        verdict, numbers = rule.judge(*(held[name] for name in rule.entries))
    if verdict == OPEN:
        change = "its own runs, once they are finished"
    else:
        change = rule.overturned.get(verdict, list(rule.overturned.values())[-1])
    return Verdict(rule.key, rule.claim, verdict, numbers, change)


def _finished(values: Values | None) -> bool:
    if values is None:
        return False
    if "groups" in values:
        return all(
            values["groups"].get(name, {}).get("labels", {}).get("networks", 0) >= n for name, n in _GROUPS.items()
        )
    return "planned" in values and values["planned"] == values.get("finished")


def _printed_accuracy() -> Judgement:
    return CANNOT, "the pictures of CK+ and TFD are gated; rendered faces cannot decide what those pictures give"


def _regularisation(block: Values) -> Judgement:
    # the block's first configuration is plain as released; contrasts are against it
    found = block["contrasts"]["synthetic/8/as_released/AD"]["image"]
    numbers = f"CNN+AD minus plain: {in_points(found)}"
    if found["low"] > 0:
        return REPRODUCED, numbers
    if found["difference"] <= 0:
        return NOT, numbers + (_CHANCE if found["high"] > 0 else "")
    return PARTLY, f"{numbers}; the interval holds 0, so these runs cannot tell"


def _zero_bias(block: Values) -> Judgement:
    biased = block["contrasts"]["synthetic/8/as_released/AD/bias"]["image"]  # with biases minus without
    found = {"difference": -biased["difference"], "low": -biased["high"], "high": -biased["low"]}
    numbers = f"without minus with biases: {in_points(found)}"
    if found["low"] > -MARGIN:
        return REPRODUCED, numbers
    if found["difference"] <= -MARGIN:
        return NOT, numbers + (_CHANCE if found["high"] > -MARGIN else "")
    return PARTLY, f"{numbers}; the interval reaches below -3 points, so these runs cannot tell"


def _patterns(filters: Values) -> Judgement:
    trained, untrained = (members(filters["networks"], group) for group in ("trained", "untrained"))
    beats = {base: sum(beats_baseline(row, base) for row in trained) for base in BASELINES}
    specificity = filters["groups"]["trained"]["specificity_guided"]["mean"]
    numbers = (
        f"mass of guided maps in the exact mask beats a box in {beats['box']} of {len(trained)} networks and another "
        f"filter in {beats['other filter']}; mean cosine between maps of different filters {specificity:.2f}; "
        f"gain over another filter {gains(trained)} trained, {gains(untrained)} untrained"
    )
    needed = NEEDED * len(trained)
    both = sum(all(beats_baseline(row, base) for base in BASELINES) for row in trained) >= needed
    if both and specificity < SPECIFIC:
        return REPRODUCED, numbers
    return (PARTLY if both or beats["box"] >= needed else NOT), numbers


def beats_baseline(row: Values, baseline: str) -> bool:
    """Whether guided maps of a studied network, a row of the entry "filters", beat one of BASELINES (p ≤ .05)."""
    found = _mass(row, baseline)
    return found is not None and found["gain"] is not None and found["gain"] > 0 and found["p"] <= 0.05


def _mass(row: Values, baseline: str) -> Values | None:
    lines = row["probes"]["localisation"]
    return next((line for line in lines if (line["score"], line["baseline"]) == ("mass", baseline)), None)


def gains(rows: list[Values]) -> str:
    """The least and the most mass, in points, that guided maps of studied networks have over another filter's."""
    found = [_mass(row, "other filter") for row in rows]
    gains = [100 * line["gain"] for line in found if line and line["gain"] is not None]
    return f"{min(gains):+.1f} to {max(gains):+.1f} points" if gains else "not measured"


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
    if any(name not in trained for name in _SURVIVAL.values()):
        return NOT, "no filter has a label that could survive"
    shares = {test: trained[name]["median"] for test, name in _SURVIVAL.items()}
    numbers = ", ".join(f"{share:.0%} {words}" for words, share in shares.items())
    wins = sum(share >= SURVIVES for share in shares.values())
    return (NOT, PARTLY, REPRODUCED)[wins], f"median share of labels that survive: {numbers}"


_SURVIVAL = {
    "when the action unit alone moves on resting faces": "survival_resting",
    "where action units are independent": "survival_factorial",
}


_RULES = (
    _Rule(
        "C1a", "The network reaches the printed accuracies on CK+ and TFD.", (), _printed_accuracy,
        {CANNOT: "The ten folds on the real pictures, which one command runs for those who hold them: "
                 "their mean lies within one printed standard deviation of the printed one, or it does not."},
    ),
    _Rule(
        "C1b", "Dropout and augmentation help.", ("plain-against-ad",), _regularisation,
        {REPRODUCED: "31,000 batches at 96 px, or the real pictures, with an interval that holds 0.",
         NOT: "31,000 batches at 96 px, or the real pictures, with an interval above 0."},
    ),
    _Rule(
        "C1c", "Convolutions need no bias.", ("biases",), _zero_bias,
        {REPRODUCED: "A longer schedule in which the twin with biases is ahead by three points or more.",
         NOT: "Ten folds of a longer schedule with an interval above -3 points."},
    ),
    _Rule(
        "C2", "Third-layer filters respond to patterns that look like action units.", ("filters",), _patterns,
        {REPRODUCED: "Untrained networks whose maps gain as much mass over another filter's.",
         NOT: "A decoder with a mean cosine under .5 between filters whose maps beat both baselines."},
    ),
    _Rule(
        "C3a", "Filters go with labels of action units, more than untrained filters do.", ("filters",), _labels,
        {REPRODUCED: "Untrained networks of the same size within .05 of AUROC on new people.",
         NOT: "Networks of full size and schedule that are .05 of AUROC above untrained ones."},
    ),
    _Rule(
        "C3b", "It comes from learning emotions.", ("filters",), _cause,
        {REPRODUCED: "Identity networks within .05 of AUROC where action units are independent of emotions.",
         NOT: "Emotion networks .05 of AUROC above identity networks where action units are independent."},
    ),
    _Rule(
        "C3c", "Filters answer to the action unit itself, not to the company it keeps.", ("filters",), _company,
        {REPRODUCED: "Photographs of single action units on which under half of the labels hold.",
         NOT: "Photographs of single action units on which half of the labels or more hold."},
    ),
)  # fmt: skip

"""The numbers of the recorded study as chapter 8 writes them into its sentences."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_lib.reproduction import measured
from fer_lib.reproduction.measured import ALONE, INDEPENDENT, MOVED
from fer_lib.reproduction.summary import members
from fer_lib.reproduction.verdicts import BASELINES, beats_baseline, gains
from fer_lib.results import LEDGER, read

if TYPE_CHECKING:
    import pandas

SMALL = 0.02  # nats: a harm of hardly any size, however sure
OWNERS = 2  # action units that keep most of their labels
_LARGER = {
    "labels": ("labels", ".0f"),
    "auroc": ("held_out_auroc", ".2f"),
    "factorial": ("factorial_auroc", ".2f"),
    "rest": ("survival_resting", ".0%"),
    "independent": ("survival_factorial", ".0%"),
    "alike": ("specificity_guided", ".2f"),
}  # name in the text: measure of the entry, and how it is written


def filters(words: float, ledger: Path = LEDGER) -> dict[str, str]:
    """Name in the text → number as it is printed. `words`: held-out AUROC of the emotion words (`words_held_out`)."""
    values = read("filters", ledger).values
    trained, untrained = (members(values["networks"], kind) for kind in ("trained", "untrained"))
    controls = ("untrained", "identity", "shuffled")
    return (
        _medians(values["groups"])
        | _against_words(words, trained)
        | _survivors(ledger)
        | _steps(ledger)
        | _use(trained, ledger)
        | _rare(trained, untrained)
        | {f"{kind}_pass": _passing(values["networks"], kind) for kind in ("trained", *controls)}
        | {f"{kind}_gain": gains(members(values["networks"], kind)) for kind in ("trained", "untrained", "identity")}
        | _weakest(ledger)
        | _what_they_learned(ledger)
    )


def larger(words: float, ledger: Path = LEDGER) -> dict[str, str]:
    """As `filters`, of the networks of 96 px: the entries "filters-96" and "networks-96"."""
    values = read("filters-96", ledger).values
    survived = measured.survival(ledger=ledger, entry="filters-96")
    against = _against_words(words, members(values["networks"], "trained"))
    right = {
        block: {row["fold"]: row["validation"]["image"] for row in read(block, ledger).values["cells"]}
        for block in ("networks-96", "networks")
    }
    kinds = ("trained", "untrained")
    found = {
        f"large_{kind}_{name}": _median(values["groups"], kind, measure, form)
        for kind in kinds
        for name, (measure, form) in _LARGER.items()
    }
    return (
        found
        | {f"large_{kind}_gain": gains(members(values["networks"], kind)) for kind in kinds}
        | {f"large_{name}": _survive(survived, au) for name, au in (("smiles", 12), ("brows", 4))}
        | {f"large_{name}": number for name, number in _owners(survived).items()}
        | {
            "large_words_above": f"{against['words_above']} of {against['networks']}",
            "large_right": _span(list(right["networks-96"].values()), ".0%"),
            "small_right": _span([right["networks"][fold] for fold in right["networks-96"]], ".0%"),
        }
    )


def _survive(survived: "pandas.DataFrame", au: int) -> str:
    """ "3 of 5": labels of the AU that survive on resting faces, of the table `measured.survival`."""
    of = survived[survived["au"] == au]
    return f"{of[ALONE].sum()} of {of['labels'].sum()}"


def _owners(survived: "pandas.DataFrame") -> dict[str, str]:
    """The AUs that most surviving labels are of, and their share of the survivors."""
    owners = survived.nlargest(OWNERS, ALONE)
    share = owners[ALONE].sum() / survived[ALONE].sum()
    return {"owners": " and ".join(f"AU {au}" for au in owners["au"]), "owned": f"{share:.0%}"}


def _median(groups: dict[str, Any], kind: str, measure: str, form: str) -> str:
    """ "–" where no network of the kind has the measure."""
    return format(groups[kind][measure]["median"], form) if measure in groups[kind] else "–"


def _medians(groups: dict[str, Any]) -> dict[str, str]:
    def median(kind: str, measure: str, form: str) -> str:
        return _median(groups, kind, measure, form)

    found = {}
    for kind in measured.GROUPS:
        found[f"{kind}_labels"] = median(kind, "labels", ".0f")
        found[f"{kind}_auroc"] = median(kind, "held_out_auroc", ".2f")
        found[f"{kind}_factorial"] = median(kind, "factorial_auroc", ".2f")
        found[f"{kind}_natural"] = median(kind, "survival_natural", ".0%")
    means = {kind: groups[kind]["factorial_auroc"]["mean"] for kind in ("trained", "identity")}
    for kind, mean in means.items():
        found[f"{kind}_factorial_mean"] = f"{mean:.3f}"
        found[f"{kind}_factorial_by_au"] = median(kind, "survival_factorial_by_au", ".0%")
        found[f"{kind}_rest_by_au"] = median(kind, "survival_resting_by_au", ".0%")
        found[f"{kind}_rising"] = median(kind, "dose_rising", ".0%")
    for kind in ("trained", "untrained"):
        found[f"{kind}_kl_rare"] = median(kind, "kl_winner_rare", ".0%")
    return found | {
        "rest": median("trained", "survival_resting", ".0%"),
        "independent": median("trained", "survival_factorial", ".0%"),
        "guided_alike": median("trained", "specificity_guided", ".2f"),
        "gradient_alike": median("trained", "specificity_gradient", ".2f"),
        "identity_distance": f"{means['trained'] - means['identity']:.2f}",
    }


def _against_words(words: float, trained: Sequence[dict[str, Any]]) -> dict[str, str]:
    above = sum(words > found["held_out"]["au_auroc"] for found in trained)
    return {"words": f"{words:.2f}", "words_above": str(above), "networks": str(len(trained))}


def _survivors(ledger: Path) -> dict[str, str]:
    survived = measured.survival(ledger=ledger)
    owners = survived.nlargest(OWNERS, ALONE)
    others = survived.drop(owners.index)
    identity = measured.survival("identity", ledger)
    identity = identity[~identity["au"].isin(owners["au"])]
    return _owners(survived) | {
        "smiles_survive": _survive(survived, 12),
        "brows_survive": _survive(survived, 4),
        "identity_others": f"{identity[ALONE].sum() / identity['labels'].sum():.0%}",
        "others_survive": f"{others[ALONE].sum() / others['labels'].sum():.0%}",
        "others_factorial": f"{others[INDEPENDENT].sum() / others['labels'].sum():.0%}",
    }


def _steps(ledger: Path) -> dict[str, str]:
    """What becomes of the labels when the AU moves alone on resting faces."""
    fates = measured.fates(ledger)
    alone = fates[fates["test"] == MOVED].set_index("networks")
    moved = {f"{kind}_moved": f"{alone['moved'][kind]:.0f}%" for kind in ("trained", "identity", "untrained")}
    return moved | {"trained_most": f"{alone['most']['trained']:.0f}%"}


def _needed_by_all(ledger: Path) -> list[str]:
    shared = measured.harms(len(read("networks", ledger).values["cells"]), ledger)
    by_set = shared.groupby("without the filters of", sort=False)["emotion"]
    return [f"the filters labelled {name} for {_listed(list(found))}" for name, found in by_set]


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "nothing that all share"


def _use(trained: Sequence[dict[str, Any]], ledger: Path) -> dict[str, str]:
    ablations = [found["ablation"] for found in trained]
    harm = np.array([line["harm"] for ablation in ablations for line in ablation["sets"]])
    agreement = [ablation["agreement"] for ablation in ablations]
    return {
        "harms": _span([ablation["discoveries"] for ablation in ablations]),
        "harms_found": str(len(harm)),
        "harms_small": str(int((harm < SMALL).sum())),
        "harms_none": str(int((harm < 0).sum())),
        "needed_by_all": _listed(_needed_by_all(ledger)),
        "small": f"{SMALL:g}",
        "tests": _span([ablation["tests"] for ablation in ablations]),
        "harm_agreement": f"{np.median([found['agreement'] for found in agreement]):.2f}",
        "harm_chance": f"{np.median([found['chance'] for found in agreement]):.2f}",
        "harm_p": f"{max(found['p'] for found in agreement):.3f}",
    }


def _rare(trained: Sequence[dict[str, Any]], untrained: Sequence[dict[str, Any]]) -> dict[str, str]:
    by_rank, blank = ([found["paper"]["winner_is_rare"]["auroc_z"] for found in kind] for kind in (trained, untrained))
    return {
        "rank_rare": f"{np.median(by_rank):.0%}",
        "untrained_rank_rare": f"{np.median(blank):.0%}",
        "fair_rare": f"{trained[0]['paper']['expected']:.0%}",
    }


def _passing(networks: dict[str, Any], kind: str) -> str:
    studied = members(networks, kind)
    passed = sum(all(beats_baseline(found, baseline) for baseline in BASELINES) for found in studied)
    return f"{passed} of {len(studied)}"


def _weakest(ledger: Path) -> dict[str, str]:
    cells = read("networks", ledger).values["cells"]
    weakest = min(cells, key=lambda row: row["validation"]["image"])
    return {"weakest": str(weakest["fold"]), "weakest_right": f"{weakest['validation']['image']:.0%}"}


def _what_they_learned(ledger: Path) -> dict[str, str]:
    alone = [row["validation"]["image"] for row in read("decorrelated", ledger).values["cells"]]
    rows = read("controls", ledger).values["networks"]
    by_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in ("shuffled", "identity")}
    knows = {
        f"{kind}_knows": _span([row["training_accuracy"] for row in kept], ".0%") for kind, kept in by_kind.items()
    }
    same = sum(abs(row["training_accuracy"] - row["commonest"]) < 1e-4 for row in by_kind["shuffled"])
    return knows | {
        "shuffled_same": f"{same} of {len(by_kind['shuffled'])}",
        "decorrelated_right": ", ".join(f"{right:.0%}" for right in sorted(alone)),
    }


def _span(values: Sequence[float], form: str = "") -> str:
    return f"{format(min(values), form)} to {format(max(values), form)}"

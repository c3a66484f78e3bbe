"""What one network's filters answer to, on people it never saw: the protocol's measures, as plain numbers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from fer_lib.data.dataset import FaceDataset
from fer_lib.data.synthetic.sets import Job
from fer_lib.files import read_json, write_json
from fer_lib.interpret import localisation, sanity, stages
from fer_lib.interpret.alignment import align
from fer_lib.interpret.crop_decoder import Units
from fer_lib.interpret.folder import fingerprint, without_nan
from fer_lib.interpret.labels import AULabels, labels_of
from fer_lib.interpret.permutation import benjamini_hochberg
from fer_lib.interpret.selection import compare_networks, held_out_labels
from fer_lib.interpret.stages import LAYER, RANK, Network
from fer_lib.results import commit

METRICS = ("auroc", RANK, "average_precision", "kl", "kl_excess")
RAREST = 4  # the paper's measure: how often does its winner lie among the rarest action units?
RANDOM_SETS = 1000  # that each ablated set is compared with
METHODS = ("deconvnet", "guided", "gradient")
PROBES = ("natural", "factorial", "ladders", "do-pairs")
SEED = 0


@dataclass(frozen=True)
class Subject:
    """A network to study. `faces` are pictures of people whom it never trained on, for ablation; None for controls."""

    name: str
    network: Network
    faces: FaceDataset | None = None


def study_network(
    subject: Subject, load: Callable[[str], FaceDataset], out: Path, permutations: int = 1000
) -> dict[str, Any]:
    """All measures of one network, written to out/NAME.json and returned; read from there when it is done.

    `load` gives the sets of PROBES at the network's size. A file of other weights, pictures or settings is replaced.
    """
    start = time.perf_counter()
    path = out / f"{subject.name}.json"
    made_of = {
        "weights": fingerprint(subject.network.model),
        "data": {name: load(name).provenance["data_hash"] for name in PROBES},
        "metrics": list(METRICS),
        "permutations": permutations,
        "settings": {"seed": SEED, "rarest": RAREST, "decoders": list(METHODS), "random sets": RANDOM_SETS},
        "unseen": None if subject.faces is None else subject.faces.data_hash,
    }
    done = read_json(path) if path.is_file() else None
    if isinstance(done, dict) and done.get("made_of") == made_of:
        return done
    natural = load("natural")
    labels = labels_of(natural)
    activation = subject.network.scan(natural).layers[LAYER].value
    rng = np.random.default_rng(SEED)
    table = align(activation, labels, rng, metrics=METRICS, permutations=permutations, draws=0)
    named = stages.significant_labels(table)
    found = {
        "network": subject.name,
        "made_of": made_of,
        "commit": commit(),
        "images": len(natural),
        "labels": _label_values(named),
        "paper": _paper_measure(table, labels),
        "held_out": held_out(activation, labels, permutations),
        "held_out_factorial": _held_out_on(load("factorial"), subject.network, permutations),
        "probes": _probe_values(stages.probe(subject.network, named, load, rng, permutations), rng),
        "decoders": _decoder_values(subject.network, natural),
    }
    if subject.faces is not None:
        found["ablation"] = _ablation(subject, named, rng)
    found["seconds"] = round(time.perf_counter() - start, 1)
    write_json(path, without_nan(found))
    return read_json(path)


def words_held_out(name: str) -> float:
    """Mean held-out AUROC, 0-1, of the emotion words of a rendered set, chosen and reported as filters are.

    A word is 1 where the person was asked for that emotion: no picture is looked at, so none is rendered.
    """
    plan = Job(name).plan()
    faces = plan.dataset(np.zeros((len(plan), 1, 1, 1), np.uint8))
    neutral = faces.emotions.index("neutral")
    words = [faces.emotion == code for code in range(len(faces.emotions)) if code != neutral]
    table = held_out_labels(np.stack(words, axis=1).astype(float), labels_of(faces), np.random.default_rng(SEED))
    return float(table.loc[table["kind"] == "filter of AU", "auroc"].mean())


def held_out(activation: np.ndarray, labels: AULabels, permutations: int) -> dict[str, Any]:
    """Labels chosen on half of the people and reported on the other half, and how many labels chance would give."""
    row = compare_networks({"": activation}, labels, SEED, permutations).iloc[0].drop("network")
    return {name: float(value) for name, value in row.items()}


def _held_out_on(faces: FaceDataset, network: Network, permutations: int) -> dict[str, float]:
    return held_out(network.scan(faces).layers[LAYER].value, labels_of(faces), permutations)


def _label_values(named: pd.DataFrame) -> dict[str, Any]:
    by_au = named.groupby("au").size()
    return {"filters": len(named), "by_au": {str(au): int(count) for au, count in by_au.items()}}


def _paper_measure(table: pd.DataFrame, labels: AULabels) -> dict[str, Any]:
    """How often the winner of the paper's KL, of its excess and of the rank statistic is one of the rarest AUs."""
    support = labels.support().query("status == 'ok'").sort_values("present")
    rarest = set(support["au"][:RAREST])
    share = {}
    for metric in ("kl", "kl_excess", RANK):
        rows = table[(table["metric"] == metric) & table["value"].notna()]
        winner = rows.loc[rows.groupby("filter")["value"].idxmax(), "au"]
        share[metric] = float(winner.isin(rarest).mean())
    return {"rarest": sorted(rarest), "expected": RAREST / len(support), "winner_is_rare": share}


def _probe_values(probes: stages.Probes, rng: np.random.Generator) -> dict[str, Any]:
    survival = {}
    for test, rows in probes.survival.groupby("test"):
        parts = {part: float(rows[part].mean()) for part in ("significant", "same_sign", "largest", "survives")}
        by_au = rows.groupby("au")["survives"].agg(["sum", "size"])
        parts["mean_over_aus"] = float((by_au["sum"] / by_au["size"]).mean())
        parts["by_au"] = {str(au): [int(kept), int(count)] for au, (kept, count) in by_au.iterrows()}
        survival[test] = parts | {"labels": len(rows)}
    return {"survival": survival, "dose": _dose_values(probes), "localisation": _localisation(probes, rng)}


def _dose_values(probes: stages.Probes) -> dict[str, float]:
    mine = probes.slopes.merge(probes.doses[["filter", "au"]].drop_duplicates())
    if mine.empty:
        return {"labels": 0}
    rising = (mine["slope"] > 0) & (mine["monotone"] >= 0.9)
    return {"labels": len(mine), "rising": float(rising.mean()), "positive": float((mine["slope"] > 0).mean())}


def _localisation(probes: stages.Probes, rng: np.random.Generator) -> list[dict[str, Any]]:
    if probes.localisation.empty:
        return []
    return localisation.localisation_gain(probes.localisation, rng, by="person").to_dict("records")


def _decoder_values(network: Network, faces: FaceDataset, count: int = 32) -> dict[str, Any]:
    """Specificity of each decoder's maps, and their likeness after weights are shuffled, from the top down."""
    generator = torch.Generator().manual_seed(SEED)
    few = torch.randperm(len(faces), generator=generator)[:count].numpy()
    x = network.prepare(torch.tensor(faces.images[few]))
    maxima = network.scan(faces.select(few)).layers[LAYER]
    strongest = maxima.value.argmax(axis=1)
    rows = np.arange(count)
    place = (torch.from_numpy(part[rows, strongest].astype(np.int64)) for part in (maxima.y, maxima.x))
    which = Units(torch.arange(count), torch.from_numpy(strongest), *place)
    return {
        method: {
            "specificity": sanity.filter_specificity(network.model, x, generator, method),
            "randomised": sanity.parameter_randomisation(network.model, x, which, generator, method).to_dict("records"),
        }
        for method in METHODS
    }


def _ablation(subject: Subject, named: pd.DataFrame, rng: np.random.Generator) -> dict[str, Any]:
    scanned, emotion = subject.network.scan(subject.faces), subject.faces.emotion
    table = stages.ablated_sets(subject.network, scanned.pool3, emotion, named, rng, controls=RANDOM_SETS)
    if table.empty:
        return {"tests": 0}
    table = table.dropna(subset=["p"])
    q = benjamini_hochberg(table["p"].to_numpy())
    harm = stages.harm_table(subject.network, scanned.pool3, emotion)
    return {
        "tests": len(table),
        "discoveries": int((q <= 0.05).sum()),
        "agreement": stages.agreement(subject.network, harm, named, rng),
        "sets": table.assign(q=q).to_dict("records"),
    }

"""The parts of a study of one trained network, each a function from what is known to a tidy table.

`study` runs them in order and keeps their results; a notebook may call any of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from fer_lib.data.dataset import FaceDataset
from fer_lib.data.synthetic import pair_masks, pairs
from fer_lib.facs import CKPLUS_AUS
from fer_lib.interpret import ablation, examples, intervention, localisation, sanity
from fer_lib.interpret.activations import Maxima, as_batch
from fer_lib.interpret.alignment import align, filter_labels
from fer_lib.interpret.crop_decoder import Units
from fer_lib.interpret.labels import AULabels, labels_of
from fer_lib.interpret.network import LAYER, Network, untrained
from fer_lib.interpret.selection import compare_networks

RANK = "auroc_z"


def example_rows(maxima: Maxima, dataset: FaceDataset, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Examples of every filter: `kind` "top" (one a sequence), "top frames" (as the paper), "top contrast", "bottom"
    and "random" (from five bands of activation)."""
    filters, size = range(maxima.value.shape[1]), dataset.images.shape[-1]
    raw, sequence = maxima.score(), dataset.sequence
    orders = {
        "top": examples.top_k(raw, count, sequence),
        "top frames": examples.top_k(raw, count),
        "top contrast": examples.top_k(maxima.score("contrast"), count, sequence),
        "bottom": examples.top_k(raw, count, sequence, lowest=True),
        "random": examples.stratified(raw, rng, strata=count),
    }
    tables = [examples.example_table(maxima, order, filters, size).assign(kind=kind) for kind, order in orders.items()]
    return pd.concat(tables, ignore_index=True)


def grouped_examples(
    maxima: Maxima, network: Network, pool3: np.ndarray, dataset: FaceDataset, alignment: pd.DataFrame, count: int
) -> pd.DataFrame:
    """Top images among those with an AU (of the AU's best filter) and of an emotion, by activation and by relevance.

    `kind` is "AU12", "happy" or "relevance for happy". An AU's filter is the one of largest RANK among all filters in
    `alignment` (from `align`), the filter of an emotion the most relevant one.
    """
    size, tables = dataset.images.shape[-1], []
    ranked = alignment[(alignment["metric"] == RANK) & (alignment["status"] == "ok")]
    best = ranked.loc[ranked.groupby("au")["value"].idxmax()]
    for f, au in zip(best["filter"], best["au"], strict=True):
        rows = dataset.au_presence[:, dataset.aus.index(au)] == 1
        order = examples.top_k_among(maxima.value, rows, count, dataset.sequence)
        tables.append(examples.example_table(maxima, order, [f], size).assign(kind=f"AU{au}"))
    for code, emotion in enumerate(network.emotions):
        rows = dataset.emotion == code
        if not rows.any():
            continue
        share = examples.relevance(network.model, pool3, code)
        f = int(share[rows].mean(axis=0).argmax())
        for kind, score in ((emotion, maxima.value), (f"relevance for {emotion}", share)):
            order = examples.top_k_among(score, rows, count, dataset.sequence)
            tables.append(examples.example_table(maxima, order, [f], size).assign(kind=kind))
    return pd.concat(tables, ignore_index=True)


def significant_labels(alignment: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """Each filter's AU, where the pair is positive and family-wise significant."""
    labels = filter_labels(alignment, RANK)
    return labels[(labels["p_max"] <= level) & (labels["value"] > 0)].reset_index(drop=True)


def control_table(
    network: Network, activation: np.ndarray, dataset: FaceDataset, labels: AULabels, seeds: Sequence[int],
    permutations: int, others: Mapping[str, Network] | None = None, progress: bool = False, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """The trained network beside untrained ones of the same architecture and `others`, on the same footing.

    `seeds` draw the untrained networks' weights; `seed` draws the split of people and the permutations.
    """
    controls = {f"untrained, seed {each}": untrained(network, each) for each in seeds} | dict(others or {})
    scans = {name: control.scan(dataset, progress) for name, control in controls.items()}
    tables = {"trained": activation} | {name: scanned.layers[LAYER].value for name, scanned in scans.items()}
    return compare_networks(tables, labels, seed, permutations)


def harm_table(network: Network, pool3: np.ndarray, emotion: np.ndarray) -> pd.DataFrame:
    """Every filter alone, zeroed and set to its mean: filter, mode, accuracy, accuracy_change, and harm by emotion."""
    h = torch.from_numpy(pool3)
    with torch.no_grad():
        logits = network.model.output(network.model.relu4(network.model.fc4(h)))
    before, tables = float(ablation.accuracy(logits, emotion)), []
    for mode in ("zero", "mean"):
        ablated = ablation.ablate_each(network.model, h, mode)
        right = ablation.accuracy(ablated, emotion).numpy()
        harm = ablation.emotion_harm(logits, ablated, emotion)
        table = pd.DataFrame(harm, columns=[f"harm_{name}" for name in network.emotions])
        leading = {"filter": np.arange(len(table)), "mode": mode, "accuracy": right, "accuracy_change": right - before}
        tables.append(pd.concat([pd.DataFrame(leading), table], axis=1))
    return pd.concat(tables, ignore_index=True)


def ablated_sets(
    network: Network, pool3: np.ndarray, emotion: np.ndarray, labels: pd.DataFrame, rng: np.random.Generator,
    controls: int,
) -> pd.DataFrame:  # fmt: skip
    """All filters labelled with an AU taken out together, beside matched random filters; empty if there are none."""
    sets = {f"AU{au}": rows["filter"].to_list() for au, rows in labels.groupby("au")}
    sets = {name: filters for name, filters in sets.items() if 2 * len(filters) <= network.model.conv3.out_channels}
    if not sets:
        return pd.DataFrame(columns=["set", "filters", "emotion", "harm", "control", "p"])
    return ablation.controlled_ablation(
        network.model, pool3, emotion, sets, rng, controls=controls, emotions=network.emotions
    )


def agreement(network: Network, harm: pd.DataFrame, labels: pd.DataFrame, rng: np.random.Generator) -> dict[str, float]:
    """Do filters, taken out, harm the emotions that their AU belongs to? Empty with fewer than three labels."""
    if len(labels) < 3:
        return {}
    zeroed = harm[harm["mode"] == "zero"].set_index("filter").loc[labels["filter"]]
    table = zeroed[[f"harm_{name}" for name in network.emotions]].to_numpy()
    return ablation.pattern_agreement(table, labels["au"].to_list(), network.emotions, rng)


@dataclass(frozen=True)
class Probes:
    """What the probe sets say: paired effects, survival of the labels, dose slopes and curves, localisation."""

    effects: pd.DataFrame
    survival: pd.DataFrame
    doses: pd.DataFrame
    slopes: pd.DataFrame
    localisation: pd.DataFrame


def probe(
    network: Network, labels: pd.DataFrame, load: Callable[[str], FaceDataset], rng: np.random.Generator,
    permutations: int, progress: bool = False,
) -> Probes:  # fmt: skip
    """Interventions on rendered faces: `load` gives the sets "do-pairs", "factorial" and "ladders"."""
    do_pairs = load("do-pairs")
    maxima = network.scan(do_pairs, progress).layers[LAYER]
    design = pairs(do_pairs)
    effects = []
    for context in np.unique(design.context):
        rows = design.context == context
        made = intervention.pair_effects(
            maxima.value, design.without[rows], design.with_[rows], design.au[rows], do_pairs.subject
        )
        effects.append(intervention.effect_table(made, rng, permutations).assign(context=context))
    effects = pd.concat(effects, ignore_index=True)
    doses = _doses(network, load("ladders"), progress)
    return Probes(
        effects,
        _survival(network, labels, effects, load("factorial"), rng, permutations, progress),
        doses.merge(labels[["filter", "au"]]),  # the curves of 256 × 18 pairs would fill a megabyte
        intervention.dose_slopes(doses),
        localise_labels(network, do_pairs, maxima, labels, rng),
    )


def _doses(network: Network, ladders: FaceDataset, progress: bool) -> pd.DataFrame:
    au = np.array([int(name.rpartition("_AU")[2]) for name in ladders.sequence])
    dose = ladders.au_intensity[np.arange(len(au)), [ladders.aus.index(number) for number in au]]
    activation = network.scan(ladders, progress).layers[LAYER].value
    return intervention.dose_response(activation.astype(float), au, dose.astype(float), ladders.subject)


def _survival(network, labels, effects, factorial: FaceDataset, rng, permutations, progress) -> pd.DataFrame:
    activation = network.scan(factorial, progress).layers[LAYER].value
    aligned = align(activation, labels_of(factorial), rng, metrics=[RANK], permutations=permutations, draws=0)
    tests = {"factorial set": (aligned, "value")}
    tests |= {f"do(AU), {context}": (rows, "t") for context, rows in effects.groupby("context")}
    short = labels[["filter", "au", "value"]]
    kept = [short[short["au"].isin(test["au"])] for test, _ in tests.values()]
    tables = [
        intervention.survival(rows, test, statistic).assign(test=name)
        for (name, (test, statistic)), rows in zip(tests.items(), kept, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def localise_labels(
    network: Network, do_pairs: FaceDataset, maxima: Maxima, labels: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Guided maps of each labelled filter, where it fires most on faces with its AU alone, against the exact mask.

    Empty if no labelled filter fires on a face with its AU alone.
    """
    design = pairs(do_pairs)
    alone = np.flatnonzero(design.context == "isolated")
    rows = [
        (pair, f)
        for f, au in zip(labels["filter"], labels["au"], strict=True)
        for pair in alone[design.au[alone] == au]
        if maxima.value[design.with_[pair], f] > 0
    ]
    if not rows:
        return pd.DataFrame(columns=["unit", "image", "filter", "kind", *localisation.SCORES, "au", "person"])
    chosen, filters = (np.array(part) for part in zip(*rows, strict=True))
    image = design.with_[chosen]
    used, place = np.unique(image, return_inverse=True)
    parts = (place, filters, maxima.y[image, filters], maxima.x[image, filters])
    which = Units(*(torch.from_numpy(np.asarray(part, dtype=np.int64)) for part in parts))
    masks = torch.from_numpy(pair_masks(do_pairs, rows=chosen))
    table = localisation.localise(network.model, network.prepare(as_batch(do_pairs.images[used])), which, masks, rng)
    shown = used[table["image"]]
    return table.assign(image=shown, au=design.au[chosen][table["unit"]], person=do_pairs.subject[shown])


def sanity_values(network: Network, dataset: FaceDataset, maxima: Maxima, seed: int) -> dict:
    """Specificity of each decoder, likeness after randomising layers, zero-bias identities, and the null simulation."""
    generator = torch.Generator().manual_seed(seed)
    few = torch.randperm(len(dataset), generator=generator)[:16]
    x = network.prepare(as_batch(dataset.images[few.numpy()]))
    strongest = maxima.value[few.numpy()].argmax(axis=1)
    y, c = (torch.from_numpy(part[few.numpy(), strongest].astype(np.int64)) for part in (maxima.y, maxima.x))
    which = Units(torch.arange(len(few)), torch.from_numpy(strongest), y, c)
    methods = ("deconvnet", "guided", "gradient")
    return {
        "specificity": {m: sanity.filter_specificity(network.model, x, generator, m) for m in methods},
        "randomised": {
            m: sanity.parameter_randomisation(network.model, x, which, generator, m).to_dict("list") for m in methods
        },
        "identities": sanity.zero_bias_identities(network.model, x, which),
        "null": sanity.null_simulation(np.random.default_rng(seed)),
        "aus": list(CKPLUS_AUS),
    }

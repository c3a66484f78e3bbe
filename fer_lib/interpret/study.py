"""A whole study of one trained network, kept in a folder so that a kill costs one stage at most.

Each stage writes one file when it is done; a stage whose file is there is read instead of run again. `study.json` says
whose study it is: other weights, data or settings are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from fer_lib import faces
from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.facs import CKPLUS_AUS
from fer_lib.interpret import concepts, decoders, examples, maximisation, stages
from fer_lib.interpret.activations import Scan, as_batch, filter_maxima
from fer_lib.interpret.alignment import align
from fer_lib.interpret.folder import StudyFolder, fingerprint, without_nan
from fer_lib.interpret.labels import labels_of
from fer_lib.interpret.selection import held_out_labels
from fer_lib.interpret.stages import LAYER, Network, Probes


@dataclass(frozen=True)
class Settings:
    """What decides a study's numbers besides the network and the data."""

    seed: int = 0
    permutations: int = 1000
    draws: int = 2000  # bootstrap draws over people; 0 for no intervals
    controls: int = 100  # matched random filter sets
    untrained: int = 3  # control networks
    top: int = 5  # images a filter; the paper shows five
    sheets: int = 12  # filters with a sheet of their own
    faces: bool = True  # search the AUs that the sheets' filters want
    probes: bool = True  # interventions on rendered faces


@dataclass(frozen=True)
class Study:
    """Results of all stages; empty tables and None where a stage was not asked for."""

    settings: Settings
    dataset: FaceDataset
    network: Network
    scan: Scan
    alignment: pd.DataFrame
    labels: pd.DataFrame
    held_out: pd.DataFrame
    controls: pd.DataFrame
    examples: pd.DataFrame
    grouped: pd.DataFrame
    harm: pd.DataFrame
    sets: pd.DataFrame
    agreement: dict[str, float]
    concepts: pd.DataFrame
    sheets: list[int]
    decoded: dict[str, torch.Tensor]
    wanted: list[dict[str, Any]]
    sanity: dict[str, Any]
    probes: Probes | None


def study(
    network: Network,
    dataset: FaceDataset,
    out: Path,
    settings: Settings | None = None,
    *,
    load_probe: Callable[[str], FaceDataset] | None = None,
    controls: Mapping[str, Network] | None = None,
    render=faces.render,
    progress: bool = True,
) -> Study:
    """Run or read every stage for one network and one data set, in folder `out`.

    `load_probe` gives the rendered probe sets by name; `controls` are networks to stand beside the untrained ones
    (trained on shuffled labels, on identities, …); `render` draws the faces of the AU search.
    Raises UserError when the emotions differ, or the folder holds another study.
    """
    settings = settings or Settings()
    if tuple(dataset.emotions) != network.emotions:
        raise UserError(f"The data have emotions {dataset.emotions}, the network {network.emotions}.")
    if (labels_of(dataset).support()["status"] != "ok").all():
        raise UserError(
            f"{dataset.name}: no action unit is known to be present in some sequences and absent in others; expected "
            "data with action units, as CK+ with its FACS folder"
        )
    identity = {"weights": fingerprint(network.model), "data": dataset.data_hash, "images": len(dataset)}
    identity["controls"] = {name: fingerprint(control.model) for name, control in (controls or {}).items()}
    folder = StudyFolder(out, identity | {"settings": asdict(settings)})
    runner = _Runner(network, dataset, folder, settings, load_probe, controls or {}, render, progress)
    names = [*_STAGES]
    done: dict[str, Any] = {}
    with tqdm(names, desc="interpret", unit="stage", disable=not progress) as bar:
        for name in bar:
            bar.set_postfix_str(name)
            done[name] = getattr(runner, name)(done)
    return Study(settings, dataset, network, **done)


_STAGES = (
    *("scan", "alignment", "labels", "held_out", "controls", "examples", "grouped", "harm", "sets", "agreement"),
    *("concepts", "sheets", "decoded", "wanted", "sanity", "probes"),
)


class _Runner:
    """One method a stage; each takes what earlier stages found."""

    def __init__(self, network, dataset, folder, settings, load_probe, others, render, progress) -> None:
        self.network, self.dataset, self.folder, self.settings = network, dataset, folder, settings
        self.load_probe, self.others, self.render, self.progress = load_probe, others, render, progress
        self.au_labels = labels_of(dataset, [au for au in CKPLUS_AUS if au in dataset.aus])

    def _rng(self, stage: str) -> np.random.Generator:
        # every stage has its own stream, so that reading one from disk does not change the next
        return np.random.default_rng([self.settings.seed, _STAGES.index(stage)])

    def scan(self, done) -> Scan:
        return self.folder.scan(lambda: self.network.scan(self.dataset, self.progress, ("conv1", "conv2", "conv3")))

    def alignment(self, done) -> pd.DataFrame:
        chosen, value = self.settings, done["scan"].layers[LAYER].value
        return self.folder.table(
            "alignment",
            lambda: align(
                value, self.au_labels, self._rng("alignment"), permutations=chosen.permutations, draws=chosen.draws
            ),
        )

    def labels(self, done) -> pd.DataFrame:
        return stages.significant_labels(done["alignment"])

    def held_out(self, done) -> pd.DataFrame:
        value = done["scan"].layers[LAYER].value
        return self.folder.table("held_out", lambda: held_out_labels(value, self.au_labels, self._rng("held_out")))

    def controls(self, done) -> pd.DataFrame:
        value, chosen = done["scan"].layers[LAYER].value, self.settings
        numbers = (range(1, chosen.untrained + 1), chosen.permutations)
        rest = (self.dataset, self.au_labels, *numbers, self.others, self.progress, chosen.seed)
        return self.folder.table("controls", lambda: stages.control_table(self.network, value, *rest))

    def examples(self, done) -> pd.DataFrame:
        maxima = done["scan"].layers[LAYER]
        make = stages.example_rows
        return self.folder.table(
            "examples", lambda: make(maxima, self.dataset, self.settings.top, self._rng("examples"))
        )

    def grouped(self, done) -> pd.DataFrame:
        scanned = done["scan"]
        rest = (self.network, scanned.pool3, self.dataset, done["alignment"], self.settings.top)
        return self.folder.table("grouped_examples", lambda: stages.grouped_examples(scanned.layers[LAYER], *rest))

    def harm(self, done) -> pd.DataFrame:
        pool3 = done["scan"].pool3
        return self.folder.table("ablation", lambda: stages.harm_table(self.network, pool3, self.dataset.emotion))

    def sets(self, done) -> pd.DataFrame:
        rest = (done["scan"].pool3, self.dataset.emotion, done["labels"], self._rng("sets"), self.settings.controls)
        return self.folder.table("ablation_sets", lambda: stages.ablated_sets(self.network, *rest))

    def agreement(self, done) -> dict[str, float]:
        rest = (done["harm"], done["labels"], self._rng("agreement"))
        return self.folder.values("ablation_agreement", lambda: stages.agreement(self.network, *rest))

    def concepts(self, done) -> pd.DataFrame:
        rest = (done["scan"].pool3, self.au_labels, self.network.emotions, self._rng("concepts"))
        fewer = min(200, self.settings.permutations)
        make = concepts.concept_table
        return self.folder.table("concepts", lambda: make(self.network.model, *rest, permutations=fewer))

    def sheets(self, done) -> list[int]:
        ranked = stages.filter_labels(done["alignment"], stages.RANK).sort_values("value", ascending=False)
        return [int(f) for f in ranked["filter"][: self.settings.sheets]]

    def decoded(self, done) -> dict[str, torch.Tensor]:
        table = sheet_examples(done["examples"], done["sheets"])
        which = examples.units_of(table)

        def make() -> dict[str, torch.Tensor]:
            used, place = torch.unique(which.image, return_inverse=True)
            x = self.network.prepare(as_batch(self.dataset.images[used.numpy()]))
            local = decoders.Units(place, which.filter, which.y, which.x)
            return {
                method: decoders.decode(self.network.model, x, local, method)
                for method in ("deconvnet", "guided", "gradient_x_input")
            } | {"occlusion": decoders.occlusion(self.network.model, x, local)}

        return self.folder.tensors("decoded", make)

    def wanted(self, done) -> list[dict[str, Any]]:
        if not self.settings.faces:
            return []
        people = faces.sample_identities(2, self.settings.seed)
        encode = filter_maxima(self.network.model, self.network.prepare)
        size = self.network.model.size

        def make() -> list[dict[str, Any]]:
            found = maximisation.search_face(
                encode, done["sheets"], people, aus=CKPLUS_AUS, at_most=3, render=self.render, size=size
            )
            return [asdict(face) | {"intensity": {str(au): d for au, d in face.intensity.items()}} for face in found]

        return self.folder.values("wanted_faces", make)

    def sanity(self, done) -> dict[str, Any]:
        maxima, seed = done["scan"].layers[LAYER], self.settings.seed
        return self.folder.values(
            "sanity", lambda: without_nan(stages.sanity_values(self.network, self.dataset, maxima, seed))
        )

    def probes(self, done) -> Probes | None:
        if not self.settings.probes or self.load_probe is None:
            return None
        names = ("effects", "survival", "doses", "slopes", "localisation")
        made: dict[str, Probes] = {}

        def part(name: str) -> pd.DataFrame:
            if "all" not in made:
                rest = (self.load_probe, self._rng("probes"), self.settings.permutations, self.progress)
                made["all"] = stages.probe(self.network, done["labels"], *rest)
            return getattr(made["all"], name)

        return Probes(*(self.folder.table(f"probe_{name}", lambda name=name: part(name)) for name in names))


def sheet_examples(table: pd.DataFrame, filters: list[int]) -> pd.DataFrame:
    """The top examples (one a sequence) of the sheets' filters, in the order of the decoded maps."""
    rows = table[(table["kind"] == "top") & table["filter"].isin(filters)]
    order = {f: place for place, f in enumerate(filters)}
    return rows.sort_values(["filter", "rank"], key=lambda c: c.map(order) if c.name == "filter" else c).reset_index(
        drop=True
    )

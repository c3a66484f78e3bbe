"""What the explorers show, computed once from a network and a data set, and kept in assets/explorer*.

A network's file holds, for F conv3 filters, N pictures and A action units:
    maxima (F, N) uint16      place of the maximum between `low` and `high` (F), in LEVELS steps, rounded down
    value.METRIC, p.METRIC … (F, A) float32      columns of `fer_lib.interpret.alignment.align`
    label (F) int8            number of the AU whose z is largest, −1 without one
    harm (F, E), accuracy_change (F)             the filter alone set to zero; only where the classes are the data's
The looks of a layer: `units` that are among the top pictures of any ranking, filter by filter from `start`, with their
decoded maps as mosaics, and `order.RANKING` (F, TOP): numbers among the filter's own units.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.facs import ACTION_UNITS, CKPLUS_AUS
from fer_lib.files import read_json, write_json
from fer_lib.interpret import decoders, examples, stages
from fer_lib.interpret.activations import Maxima, Scan, as_batch
from fer_lib.interpret.alignment import align, filter_labels, matrix
from fer_lib.interpret.folder import fingerprint
from fer_lib.interpret.labels import labels_of
from fer_lib.interpret.network import LAYER, Network, Opened, open_network, untrained
from fer_lib.interpret.receptive import FIELDS
from fer_lib.widgets.alignment_explorer import METRICS
from fer_lib.widgets.modules import ASSETS
from fer_lib.widgets.packed import Pack, mosaic

COLUMNS = {"auroc": ("low", "high", "null_low", "null_high", "p", "p_max", "q"), "kl": ("chance", "p", "q")}
LEVELS = 65520  # a multiple of KL's 20 bins: rounded down, no picture changes its bin
RANKINGS = {f"{score}.{rule}": (score, rule) for score in ("raw", "contrast") for rule in ("one", "all")}
METHODS = ("deconvnet", "guided")
TOP = 6
FACE_QUALITY, PATCH_QUALITY = 60, 70
MANIFEST = "explorer.json"


@dataclass(frozen=True)
class Source:
    """A network to explore. `about` goes into the manifest: title, source, size, weights_sha256."""

    network: Network
    about: dict


def source(title: str, origin: str, like: Network | None = None) -> Source:
    """The network of "untrained:SEED" (of the architecture of `like`), of a run's folder, or of shipped weights."""
    if origin.startswith("untrained:"):
        if like is None:
            raise UserError(f"{origin}: an untrained network needs another one before it, whose architecture it takes")
        network = untrained(like, int(origin.partition(":")[2]))
        opened = Opened(network, origin, fingerprint(network.model))
    else:
        opened = open_network(origin)
    about = {"source": opened.name, "size": opened.network.model.size, "weights_sha256": opened.sha256}
    return Source(opened.network, {"title": title} | about)


def write(
    sources: list[Source],
    load: Callable[[int], FaceDataset],
    folder: Path = ASSETS,
    *,
    command: str,
    permutations: int = 1000,
    draws: int = 2000,
    progress: bool = True,
) -> dict:
    """Write every file and the manifest, which is returned. `load` gives the data at a size in pixels.

    The first network is the one whose filters are looked at. Networks that the folder's manifest already has, with the
    same data and numbers, are kept as they are: remove the manifest to begin anew.
    """
    faces = load(sources[0].network.model.size)
    manifest = _about(faces, command) | {"permutations": permutations, "draws": draws, "networks": [], "files": {}}
    packs = {"explorer_labels.bin.gz": label_pack(faces), "explorer_faces.bin.gz": faces_pack(faces)}
    files = {name: pack.write(folder / name) for name, pack in packs.items()}
    for place, each in enumerate(sources):
        about = each.about | _names(each.about["title"], first=place == 0)
        names = [about["file"], *about["looks"].values()]
        kept = _kept(folder, manifest, about)
        if kept is None:
            seen = faces if each.about["size"] == faces.images.shape[-1] else load(each.about["size"])
            scanned = each.network.scan(seen, progress, tuple(about["looks"]) or (LAYER,))
            made = [network_pack(each.network, scanned, seen, permutations, draws)]
            made += [looks_pack(each.network, scanned.layers[layer], seen) for layer in about["looks"]]
            kept = {name: pack.write(folder / name) for name, pack in zip(names, made, strict=True)}
        files |= kept
        manifest["networks"].append(about)
    write_json(folder / MANIFEST, manifest | {"files": files})
    return manifest | {"files": files}


def _names(title: str, first: bool) -> dict:
    """The files of a network: its numbers, and the looks of each layer for the first one."""
    looks = {layer: f"explorer_looks_{layer}.bin.gz" for layer in FIELDS} if first else {}
    return {"file": f"explorer_network_{re.sub(r'[^a-z0-9]+', '-', title.lower())}.bin.gz", "looks": looks}


def _kept(folder: Path, manifest: dict, about: dict) -> dict | None:
    """The manifest entries of a network's files, where the folder has them already."""
    if not (folder / MANIFEST).is_file():
        return None
    before = read_json(folder / MANIFEST)
    same = all(before.get(name) == manifest[name] for name in ("data", "permutations", "draws"))
    if not same or about not in before["networks"]:
        return None
    names = [about["file"], *about["looks"].values()]
    return {name: before["files"][name] for name in names} if all((folder / name).is_file() for name in names) else None


def _about(faces: FaceDataset, command: str) -> dict:
    aus = [{"au": au, "name": ACTION_UNITS[au].name} for au in CKPLUS_AUS]
    fields = {
        name: {"size": field.size, "stride": field.stride, "before": field.before} for name, field in FIELDS.items()
    }
    data = {"label": faces.provenance["label"], "data_hash": faces.data_hash, "images": len(faces)}
    return {
        "about": "Generated by tools/make_explorer_data.py; do not edit.",
        "command": command,
        "data": data | {"size": faces.images.shape[-1], "sequences": len(np.unique(faces.sequence))},
        "emotions": list(faces.emotions),
        "aus": aus,
        "metrics": list(METRICS),
        "fields": fields,
        "levels": LEVELS,
        "top": TOP,
        "columns": 48,
    }


def label_pack(faces: FaceDataset) -> Pack:
    """Who and what each picture shows. Raises UserError where an AU is unknown: the page's tests need them all."""
    presence = labels_of(faces).presence
    if np.isnan(presence).any():
        raise UserError(f"{faces.name}: the explorers need every AU known on every picture")
    pack = Pack()
    for name in ("sequence", "subject"):
        pack.add(name, np.unique(getattr(faces, name), return_inverse=True)[1].astype(np.uint16))
    pack.add("emotion", faces.emotion.astype(np.int8))
    pack.add("presence", presence.T.astype(np.uint8))  # (A, N)
    return pack


def faces_pack(faces: FaceDataset) -> Pack:
    """The N pictures, in their order, as one mosaic."""
    pack = Pack()
    pack.add("faces", mosaic(faces.images[:, 0], FACE_QUALITY))
    return pack


def network_pack(network: Network, scanned: Scan, faces: FaceDataset, permutations: int, draws: int) -> Pack:
    """A network's numbers, as the module lists them, from its scan of the faces; the draws are those of seed 0.

    `permutations` and `draws` (bootstrap, 0 for no intervals) as in `alignment.align`.
    """
    value, pack = scanned.layers[LAYER].value, Pack()
    stored, low, high = quantised(value)
    pack.add("maxima", stored)
    pack.add("low", low)
    pack.add("high", high)
    rng = np.random.default_rng(0)
    table = align(value, labels_of(faces), rng, metrics=(*METRICS, stages.RANK), permutations=permutations, draws=draws)
    for metric in METRICS:
        for column in ("value", *COLUMNS.get(metric, ())):
            pack.add(f"{column}.{metric}", matrix(table, metric, column).to_numpy(np.float32))
    pack.add("label", _labels(table, value.shape[1]))
    if network.emotions == tuple(faces.emotions):
        harm = stages.harm_table(network, scanned.pool3, faces.emotion).query("mode == 'zero'")
        pack.add("harm", harm[[f"harm_{name}" for name in network.emotions]].to_numpy(np.float32))
        pack.add("accuracy_change", harm["accuracy_change"].to_numpy(np.float32))
    return pack


def _labels(table: pd.DataFrame, filters: int) -> np.ndarray:
    best = filter_labels(table, stages.RANK)
    out = np.full(filters, -1, np.int8)
    out[best["filter"]] = [CKPLUS_AUS.index(au) for au in best["au"]]
    return out


def quantised(value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, F) activations → stored (F, N) uint16, low (F) and high (F): value ≈ low + stored / LEVELS · (high − low)."""
    low, high = value.min(axis=0), value.max(axis=0)
    share = (value - low) / np.where(high > low, high - low, 1)
    return np.floor(share.T.astype(np.float64) * LEVELS).astype(np.uint16), low, high


def looks_pack(network: Network, maxima: Maxima, faces: FaceDataset) -> Pack:
    """The top pictures of every filter of a layer under every ranking, and what the decoders make of them."""
    orders = {
        name: examples.top_k(maxima.score(score), TOP, faces.sequence if rule == "one" else None)
        for name, (score, rule) in RANKINGS.items()
    }
    together = np.concatenate(list(orders.values()))  # (rankings · TOP, F)
    own = [np.unique(column) for column in together.T]  # each filter's pictures
    image = np.concatenate(own)
    filters = np.repeat(np.arange(len(own)), [len(part) for part in own])
    pack = Pack()
    pack.add("start", np.cumsum([0, *map(len, own)]).astype(np.uint32))
    pack.add("image", image.astype(np.uint16))
    y, x = maxima.y[image, filters], maxima.x[image, filters]
    pack.add("y", y.astype(np.uint8))
    pack.add("x", x.astype(np.uint8))
    for score in ("raw", "contrast"):
        pack.add(f"score.{score}", maxima.score(score)[image, filters].astype(np.float32))
    for name, order in orders.items():
        places = [np.searchsorted(pictures, column) for pictures, column in zip(own, order.T, strict=True)]
        pack.add(f"order.{name}", np.array(places, np.uint8))
    pictures, local = np.unique(image, return_inverse=True)
    x_all = network.prepare(as_batch(faces.images[pictures]))
    which = decoders.units(local, filters, y, x)
    for method in METHODS:
        maps = decoders.decode(network.model, x_all, which, method, layer=maxima.layer)
        pack.add(f"maps.{method}", mosaic(as_grey(maps), PATCH_QUALITY))
    if maxima.layer == "conv1":
        pack.add("kernels", mosaic(as_grey(network.model.conv1.weight.detach()[:, 0]), 100))
    return pack


def as_grey(maps: torch.Tensor) -> np.ndarray:
    """Signed maps (B, h, w) as uint8: 128 is zero, each map stretched to its own largest absolute value."""
    reach = maps.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    return (128 + 127 * maps / reach).round().numpy().astype(np.uint8)

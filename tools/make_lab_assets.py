"""Make what the lab's page needs in fer_lib/widgets/assets: the network, the head, twelve people, names of filters.

    python tools/make_lab_assets.py --network synthetic-96            # lab.json, lab_*.bin.gz
    python tools/make_lab_assets.py --network synthetic-96 --names    # lab_filters.json as well (minutes)

`lab.json` lists every array of every file (type, shape, place, scale), the sha256 of what the files hold and of the
network's own weights. Arrays are quantised to 8 or 16 bits; the network's weights stay the shipped float16.
"""

import gzip
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
import torch

from fer_lib import facs
from fer_lib.faces import Identity, chart, landmarks, sample_identities, skin, wrinkles
from fer_lib.faces.identity import neutral_shape
from fer_lib.faces.rig import AU_ACTIONS, load_rig
from fer_lib.faces.visible import lash_root
from fer_lib.files import write_atomic, write_json
from fer_lib.model import ZeroBiasCNN, load_pretrained

ASSETS = Path(__file__).parents[1] / "fer_lib" / "widgets" / "assets"
PEOPLE, SEED, POPULATION = 12, 12, "balanced"  # nobody of them is in a training set: those have other seeds
LINED = (slice(124, 560), slice(56, 400))  # rows and columns of the chart that wrinkles reach
STRAND_STEP = 8  # hair strands change slowly downwards: every 8th row of the chart tells them all
LANES = 8  # filters side by side, as network.c reads them


@dataclass
class Pack:
    """Arrays laid one after the other, each at a multiple of 8 bytes, and what the page must know to read them."""

    parts: list[bytes] = field(default_factory=list)
    index: dict[str, dict] = field(default_factory=dict)
    size: int = 0

    def add(self, name: str, values: np.ndarray, **about: object) -> None:
        content = np.ascontiguousarray(values).tobytes()
        self.index[name] = {"type": values.dtype.name, "shape": list(values.shape), "at": self.size, **about}
        self.parts.append(content + bytes(-len(content) % 8))
        self.size += len(self.parts[-1])

    def quantise(self, name: str, values: np.ndarray, dtype: type) -> None:
        """value = offset + scale · stored; the offset is the middle of the range, or zero where zero must stay zero."""
        low, high = float(values.min()), float(values.max())
        info = np.iinfo(dtype)
        offset = low if info.min == 0 else 0.0
        scale = (high - low) / info.max if info.min == 0 else max(-low, high) / info.max
        stored = np.clip(np.rint((values - offset) / scale), info.min, info.max).astype(dtype)
        self.add(name, stored, offset=offset, scale=scale)

    def content(self) -> bytes:
        return b"".join(self.parts)


def pack_network(model: ZeroBiasCNN) -> Pack:
    """Weights as float16 in the order that network.c reads: blocks of 8 filters × 5 × 5 × inputs × 8."""
    pack = Pack()
    for name in ("conv1", "conv2", "conv3"):
        weight = getattr(model, name).weight.detach().numpy()  # (F, C, 5, 5)
        blocks = weight.reshape(len(weight) // LANES, LANES, *weight.shape[1:]).transpose(0, 3, 4, 2, 1)
        pack.add(name, blocks.astype(np.float16))
    for name in ("fc4", "output"):
        for kind in ("weight", "bias"):
            pack.add(f"{name}.{kind}", getattr(getattr(model, name), kind).detach().numpy().astype(np.float16))
    return pack


def pack_head() -> Pack:
    """The mesh, each facial action's left and right half where it moves anything, and the relief of each lined AU."""
    rig, pack = load_rig(), Pack()
    for axis, name in enumerate(("x", "y", "z")):
        middle = 7.2 if name == "y" else 0.0
        pack.quantise(f"template.{name}", rig.vertices[:, axis].numpy() - middle, np.int16)
        pack.index[f"template.{name}"]["offset"] = middle
    pack.add("triangles", rig.triangles.numpy().astype(np.uint16))
    pack.add("part", rig.part.numpy().astype(np.uint8))
    pack.add("masks", (rig.masks * 255).round().numpy().astype(np.uint8))
    pack.quantise("lash", lash_root(rig).numpy(), np.uint8)
    basis = rig.action_basis.transpose(0, 1).flatten(0, 1).numpy()  # (2N, V, 3): action 0 left, right, action 1 …
    step = float(np.abs(basis).max()) / 32767
    stored = np.rint(basis / step).astype(np.int16)
    moved = np.abs(stored).max(axis=2) > 1
    pack.add("action.starts", np.concatenate([[0], moved.sum(1).cumsum()]).astype(np.uint32))
    pack.add("action.vertices", moved.nonzero()[1].astype(np.uint16))
    pack.add("action.offsets", stored[moved], scale=step)
    maps = wrinkles.height_maps().numpy()
    inside = maps[:, *LINED]
    outside = np.abs(maps).sum() - np.abs(inside).sum()
    assert outside < 1e-3 * np.abs(maps).sum(), "a wrinkle leaves the window LINED: widen it"
    pack.quantise("wrinkles", inside, np.int8)
    return pack


def pack_person(person: Identity) -> Pack:
    """A person's resting shape, as offsets from the template, and paint and hair strands in the chart."""
    generator, pack = torch.Generator().manual_seed(person.texture_seed), Pack()
    pack.quantise("neutral", (neutral_shape(person) - load_rig().vertices).numpy(), np.int16)
    pack.quantise("paint", skin.albedo(person, generator).numpy(), np.uint8)
    strands = skin.hair_strands(generator).numpy()
    pack.quantise("strands", strands[STRAND_STEP // 2 :: STRAND_STEP], np.uint8)
    return pack


def people() -> list[Identity]:
    return sample_identities(PEOPLE, SEED, POPULATION)


def describe_person(person: Identity) -> dict:
    """What the renderer and the reader must know of a person; shape and paint are in the person's file."""
    looks = ("number", "gender", "age", "descent", "skin_tone", "iris_darkness", "lip_darkness", "hair_darkness")
    looks += ("hair_volume", "hairline", "long_hair", "wrinkles", "teeth")
    return {name: getattr(person, name) for name in looks}


def rig_tables() -> dict:
    """Small tables of the rig: which AU moves which facial actions, which AUs draw lines, where the chin is."""
    rig = load_rig()
    rows, columns = LINED
    return {
        "actions": list(rig.actions),
        "au_actions": {str(au): AU_ACTIONS[au] for au in facs.AUS},
        "lined_aus": list(wrinkles.LINED_AUS),
        "lined": [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
        "chart": {"left": chart.LEFT, "top": chart.TOP, "scale": chart.SCALE, "size": [chart.WIDTH, chart.HEIGHT]},
        "chin": landmarks.vertices(rig)[8],
        "height_at_one": wrinkles.HEIGHT_AT_ONE,
    }


def au_table() -> list[dict]:
    return [
        {"au": unit.number, "name": unit.name, "region": unit.region, "sides": len(unit.sides) > 1,
         "muscles": list(unit.muscles)}
        for unit in facs.ACTION_UNITS.values()
    ]  # fmt: skip


def presets() -> dict[str, dict[str, float]]:
    """Each emotion's commonest variant: required AUs well above their least intensity, and the usual ones."""
    faces: dict[str, dict[str, float]] = {"neutral": {}}
    for emotion, variants in facs.PROTOTYPES.items():
        variant = max(variants, key=lambda v: v.weight)
        aus = {au: 0.85 for au in variant.required} | {au: 0.7 for au, share in variant.usual.items() if share >= 0.5}
        aus = {au: min(value, variant.maximum.get(au, 1.0)) for au, value in sorted(aus.items())}
        side = "L" if variant.one_sided else ""
        faces[emotion] = {f"{side if au in variant.one_sided else ''}{au}": value for au, value in aus.items()}
    return faces


def packs(network: str) -> tuple[dict, dict[str, Pack]]:
    """The manifest without its file list, and the packs by file name."""
    model, card = load_pretrained(network)
    files = {"lab_network.bin.gz": pack_network(model), "lab_head.bin.gz": pack_head()}
    files |= {f"lab_person_{person.number:02}.bin.gz": pack_person(person) for person in people()}
    kept = ("name", "size", "emotions", "data_label", "data_hash", "weights_sha256", "recipe", "variant", "accuracy")
    manifest = {
        "about": "Generated by tools/make_lab_assets.py; do not edit.",
        "network": {name: card[name] for name in kept},
        "rig": rig_tables(),
        "aus": au_table(),
        "presets": presets(),
        "people": [describe_person(person) for person in people()],
        "population": {"seed": SEED, "name": POPULATION},
    }
    return manifest, files


def write(network: str, folder: Path = ASSETS) -> dict:
    """Write all files but the filters' names; return the manifest."""
    manifest, files = packs(network)
    manifest["files"] = {}
    for name, pack in files.items():
        content = pack.content()
        packed = gzip.compress(content, 9, mtime=0)
        write_atomic(folder / name, lambda partial, packed=packed: partial.write_bytes(packed))
        digest = hashlib.sha256(content).hexdigest()
        manifest["files"][name] = {"sha256": digest, "bytes": len(content), "gz": len(packed), "arrays": pack.index}
    write_json(folder / "lab.json", manifest)
    return manifest


@click.command(context_settings={"show_default": True})
@click.option("--network", default="synthetic-96", help="Shipped weights to put into the page.")
@click.option("--names", is_flag=True, help="Also name the filters: renders the probe set if it is not in the cache.")
def main(network: str, names: bool) -> None:
    """Write the lab's assets."""
    manifest = write(network)
    for name, about in manifest["files"].items():
        click.echo(f"{name}: {about['gz'] / 1000:.0f} kB")
    click.echo(f"{sum(about['gz'] for about in manifest['files'].values()) / 1e6:.2f} MB in all, in {ASSETS}")
    if names:
        from fer_lib.widgets.filter_names import name_filters

        write_json(ASSETS / "lab_filters.json", name_filters(network))


if __name__ == "__main__":
    main()

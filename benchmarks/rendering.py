"""How fast are faces rendered? Two figures in one run.

1. Visibility, the part that a well-kept library also does: our z-buffer against Embree (through trimesh and embreex:
   `pip install embreex trimesh`), same mesh, same 288×288 rays, same camera, one thread each, agreement printed.
2. Whole pictures: 96 px, supersampling 3, on all cores; the floor to beat is a prototype's 22 pictures a second.

    python benchmarks/rendering.py
"""

import json
import multiprocessing as mp
import os
import time

import numpy as np
import torch

from fer_lib.faces import Scene, au_tensor, render, sample_identities
from fer_lib.faces.identity import neutral_shape
from fer_lib.faces.raster import rasterise
from fer_lib.faces.render import CAMERA, box, project
from fer_lib.faces.rig import load_rig

SIZE, REPEATS = 288, 5


def _scene():
    rig, person = load_rig(), sample_identities(1, 0)[0]
    vertices = neutral_shape(person)[None]
    centre, half = box(vertices)
    return rig, vertices, centre, half, project(vertices, centre, half, Scene.neutral(1), SIZE)


def ours() -> tuple[float, np.ndarray]:
    """Seconds a picture and the triangles seen."""
    rig, _, _, _, screen = _scene()
    rasterise(screen, rig.triangles, SIZE, SIZE)
    start = time.perf_counter()
    for _ in range(REPEATS):
        seen = rasterise(screen, rig.triangles, SIZE, SIZE)
    return (time.perf_counter() - start) / REPEATS, seen[0].numpy()


def embree() -> tuple[float, np.ndarray]:
    """The same with Embree's ray casts; the acceleration structure is rebuilt for each face, as AUs move the mesh."""
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    rig, vertices, centre, half, _ = _scene()
    ticks = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    x, y = np.meshgrid(ticks * float(half), -ticks * float(half))
    directions = np.stack([x, y, np.full_like(x, -CAMERA)], -1).reshape(-1, 3)
    origins = np.broadcast_to([0.0, float(centre), CAMERA + 1.5], directions.shape)
    seconds = 0.0
    for _ in range(REPEATS):
        mesh = trimesh.Trimesh(vertices[0].numpy(), rig.triangles.numpy(), process=False)
        start = time.perf_counter()
        seen = RayMeshIntersector(mesh).intersects_first(origins, directions)
        seconds += time.perf_counter() - start
    return seconds / REPEATS, seen.reshape(SIZE, SIZE)


def _pictures(first: int) -> int:
    torch.set_num_threads(1)
    people = sample_identities(8, first)
    generator = torch.Generator().manual_seed(first)
    with torch.no_grad():
        for person in people:
            aus = au_tensor([{12: 0.5, 25: 0.3, 6: 0.4}] * 8)
            render([person] * 8, aus, Scene.sample(8, 1, generator), size=96, supersample=3)
    return 8 * len(people)


def throughput() -> float:
    """Pictures a second on all cores, people's skins painted on the way (8 pictures a person)."""
    cores = os.cpu_count() or 1
    with mp.get_context("spawn").Pool(cores) as pool:
        pool.map(_pictures, range(0, 8 * cores, 8))  # warm
        start = time.perf_counter()
        count = sum(pool.map(_pictures, range(100, 100 + 8 * cores, 8), chunksize=1))
        return count / (time.perf_counter() - start)


def main() -> None:
    torch.set_num_threads(1)
    (our_time, our_seen), (peer_time, peer_seen) = ours(), embree()
    agree = float((our_seen == peer_seen).mean())
    print(f"visibility: ours {our_time * 1e3:.1f} ms, Embree {peer_time * 1e3:.1f} ms, same triangle at {agree:.3%}")
    rate = throughput()
    print(f"whole pictures: {rate:.1f} a second on {os.cpu_count()} cores (prototype: 22 on two)")
    result = {"name": "rendering", "ours": our_time * 1e3, "peer": peer_time * 1e3, "ratio": peer_time / our_time}
    print(json.dumps(result | {"units": "ms per 288x288 visibility", "agreement": agree, "pictures_per_s": rate}))


if __name__ == "__main__":
    main()

"""From people and action units to pictures: camera, light, shading, sensor. Batches, any size, any device.

Pictures are grey, linear light inside, display values out. What pixel sees what is exact (`raster`); shading is
differentiable, so gradients flow from pixels to AU intensities except across silhouettes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import torch
import torch.nn.functional as F

from fer_lib.errors import UserError
from fer_lib.faces import landmarks, shading, skin
from fer_lib.faces.identity import EYE_CENTRE, Identity, neutral_shape
from fer_lib.faces.rig import EYES, Rig, action_weights, check_aus, load_rig, pose_mesh
from fer_lib.faces.visible import see

CAMERA = 13.0  # dm from the face, as in a studio portrait
PIVOT = (0.0, 6.75, 0.45)  # where the head turns, dm
HALF_BOX, EYE_LIFT = 0.77, 0.255  # of eye–chin distance: a face detector's usual box
CHUNK = 8  # pictures shaded at once


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything about a batch of pictures that is not who and which AUs. Each field's first axis is the picture."""

    pose: torch.Tensor  # (B, 3) yaw to the viewer's right, pitch up, roll clockwise; degrees
    gaze: torch.Tensor  # (B, 2) to the viewer's right, up; degrees, relative to the head
    light: torch.Tensor  # (B, 2) key light azimuth to the viewer's right, elevation; degrees
    contrast: torch.Tensor  # (B,) share of the key light, 0–1
    exposure: torch.Tensor  # (B,) factor
    background: torch.Tensor  # (B, 3) level 0–1, change to the right, change upwards
    crop: torch.Tensor  # (B, 3) shift right and down in box widths, log2 of the box size
    noise: torch.Tensor  # (B,) standard deviation of sensor noise in display units
    blur: torch.Tensor  # (B,) standard deviation in pixels
    grain: torch.Tensor  # (B,) int64 seed of each picture's sensor noise

    def __len__(self) -> int:
        return len(self.pose)

    def __getitem__(self, index) -> "Scene":
        """The pictures at a slice or index tensor."""
        return Scene(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def to(self, device: torch.device | str) -> "Scene":
        return Scene(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    @staticmethod
    def neutral(count: int) -> "Scene":
        """Frontal pose, gaze ahead, soft light from above left, plain background, a clean sensor."""

        def rows(*values: float) -> torch.Tensor:
            return torch.tensor(values).repeat(count, 1)

        one = torch.ones(count)
        return Scene(
            pose=rows(0, 0, 0),
            gaze=rows(0, 0),
            light=rows(-22, 32),
            contrast=0.6 * one,
            exposure=one,
            background=rows(0.45, 0, 0),
            crop=rows(0, 0, 0),
            noise=0 * one,
            blur=0.45 * one,
            grain=torch.zeros(count, dtype=torch.int64),
        )

    @staticmethod
    def sample(count: int, difficulty: int, generator: torch.Generator) -> "Scene":
        """Random studio conditions; `difficulty` 0, 1 or 2 widens pose, light, crop and noise."""
        if difficulty not in (0, 1, 2):
            raise UserError(f"difficulty {difficulty!r} is unknown; use 0, 1 or 2")
        pose_sd = (2.0, 2.5, 4.0)[difficulty]
        light_sd = torch.tensor(((12.0, 6.0), (18.0, 8.0), (30.0, 12.0))[difficulty])
        noise = (0.008, 0.010, 0.018)[difficulty]

        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(count, *shape, generator=generator).clamp(-2.5, 2.5)

        def uniform(low: float, high: float) -> torch.Tensor:
            return low + (high - low) * torch.rand(count, generator=generator)

        return Scene(
            pose=normal(3) * pose_sd * torch.tensor([1.0, 0.8, 0.5]),
            gaze=normal(2) * torch.tensor([2.5, 1.5]),
            light=torch.tensor([0.0, 30.0]) + normal(2) * light_sd,
            contrast=uniform(0.45, 0.7),
            exposure=torch.exp(0.12 * normal()),
            background=torch.stack([uniform(0.15, 0.75), 0.06 * normal(), 0.06 * normal()], 1),
            crop=normal(3) * torch.tensor([0.010, 0.010, 0.03]) * (1 + difficulty / 2),
            noise=noise * uniform(0.7, 1.3),
            blur=uniform(0.40, 0.60),
            grain=torch.randint(2**62, (count,), generator=generator),
        )


@dataclass(frozen=True, eq=False)
class Rendered:
    """A batch of pictures. Optional maps are None unless asked for."""

    images: torch.Tensor  # (B, 1, H, W) in 0–1, display values
    labels: torch.Tensor | None = None  # (B, H, W) index into shading.LABELS
    depth: torch.Tensor | None = None  # (B, H, W) dm from the camera, visible.FAR for background
    landmarks: torch.Tensor | None = None  # (B, 68, 2) x, y in pixels, iBUG order

    def to_uint8(self) -> torch.Tensor:
        """(B, 1, H, W) uint8."""
        return (self.images.detach().clamp(0, 1) * 255).round().byte()


def rotation(pose: torch.Tensor) -> torch.Tensor:
    """Yaw, pitch, roll in degrees (B, 3) → rotation matrices (B, 3, 3), applied as v @ R."""
    yaw, pitch, roll = torch.deg2rad(pose).unbind(1)
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def matrix(*rows: torch.Tensor) -> torch.Tensor:
        return torch.stack(rows, 1).view(-1, 3, 3)

    about_y = matrix(yaw.cos(), zero, -yaw.sin(), zero, one, zero, yaw.sin(), zero, yaw.cos())
    about_x = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    about_z = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return about_z @ about_x @ about_y


@dataclass(frozen=True, eq=False)
class Cast:
    """The people of a batch, prepared once: U different people; `owner` says who is in which picture."""

    people: tuple[Identity, ...]
    owner: torch.Tensor  # (B,)
    neutral: torch.Tensor  # (U, V, 3)
    paint: torch.Tensor  # (U, 2, H, W) skin, hair strands

    @staticmethod
    def prepare(identities: Sequence[Identity], device: torch.device | str) -> "Cast":
        people = tuple(dict.fromkeys(identities))
        place = {person: i for i, person in enumerate(people)}
        prepared = [_prepare(person) for person in people]
        neutral, paint = (torch.stack(parts).to(device) for parts in zip(*prepared, strict=True))
        return Cast(people, torch.tensor([place[person] for person in identities], device=device), neutral, paint)

    def look(self, name: str) -> torch.Tensor:
        """A field of each picture's person as a tensor (B,)."""
        values = torch.tensor([float(getattr(p, name)) for p in self.people], device=self.owner.device)
        return values[self.owner]


@lru_cache(maxsize=32)
def _prepare(person: Identity) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(person.texture_seed)
    return neutral_shape(person), torch.stack([skin.albedo(person, generator), skin.hair_strands(generator)])


def _turn_eyes(rig: Rig, vertices: torch.Tensor, gaze: torch.Tensor) -> torch.Tensor:
    turn = rotation(F.pad(gaze, (0, 1)))
    for eye in EYES:
        own = (rig.part == eye).nonzero()[:, 0].to(vertices.device)
        ball = vertices[:, own]
        centre = ball.mean(1, keepdim=True)
        vertices = vertices.index_copy(1, own, (ball - centre) @ turn + centre)
    return vertices


def box(neutral: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre height and half size (U,), dm, of the detector-like crop of each resting face."""
    rig = load_rig()
    chin = landmarks.vertices(rig)[8]
    drop = EYE_CENTRE[1] - neutral[:, chin, 1]
    return EYE_CENTRE[1] - EYE_LIFT * drop, HALF_BOX * drop


def project(points: torch.Tensor, centre: torch.Tensor, half: torch.Tensor, scene: Scene, size: int) -> torch.Tensor:
    """Head coordinates (B, V, 3), already turned → screen (B, V, 3): x, y in pixels, 1/depth."""
    depth = CAMERA + 1.5 - points[..., 2]
    half = half * torch.exp2(scene.crop[:, 2])
    focal = (size / 2 / half * CAMERA)[:, None]
    x = size * (0.5 - scene.crop[:, :1]) + focal * points[..., 0] / depth
    y = size * (0.5 - scene.crop[:, 1:2]) - focal * (points[..., 1] - centre[:, None]) / depth
    return torch.stack([x, y, 1 / depth], -1)


def _gaussian(images: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Blur each picture of (B, 1, H, W) by its own sigma (B,) in pixels."""
    radius = max(1, int(2.5 * float(sigma.max()) + 0.5))
    offset = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.exp(-0.5 * (offset / sigma[:, None].clamp(min=1e-3)) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True))[:, None]
    padded = F.pad(images.movedim(0, 1), (radius,) * 4, "replicate")
    rows = F.conv2d(padded, kernel[:, :, None], groups=len(images))
    return F.conv2d(rows, kernel[..., None], groups=len(images)).movedim(1, 0)


def _sensor(linear: torch.Tensor, scene: Scene, size: int) -> torch.Tensor:
    """Linear light (B, s·H, s·W) → display values (B, 1, H, W): box filter, tone curve, blur, noise."""
    image = F.adaptive_avg_pool2d(linear[:, None], size)
    image = image * scene.exposure[:, None, None, None]
    image = (1.30 * image / (1 + 0.30 * image)).clamp(min=1e-4) ** 0.56
    image = _gaussian(image, scene.blur)
    noise = [torch.randn(1, size, size, generator=torch.Generator().manual_seed(int(seed))) for seed in scene.grain]
    return image + scene.noise[:, None, None, None] * torch.stack(noise).to(image)


def _render_chunk(rig: Rig, cast: Cast, aus: torch.Tensor, scene: Scene, size: int, ss: int, outputs) -> Rendered:
    turn = rotation(scene.pose)
    still = pose_mesh(rig, cast.neutral[cast.owner], action_weights(rig, aus, scene.gaze))
    still = _turn_eyes(rig, still, scene.gaze)
    pivot = torch.tensor(PIVOT, device=aus.device)
    turned = (still - pivot) @ turn + pivot
    centre, half = (value[cast.owner] for value in box(cast.neutral))
    screen = project(turned, centre, half, scene, size * ss)
    seen = see(rig, screen, still, turned, rotation(F.pad(scene.gaze, (0, 1))), size * ss)
    material = shading.surface(seen, cast, aus, turn)
    eye_row = size * ss * (0.5 - scene.crop[:, 1] - (EYE_CENTRE[1] - centre) / half / 2)
    images = _sensor(shading.shade(seen, material, scene, cast, size * ss / 2 / half, eye_row), scene, size)
    middle = slice(ss // 2, None, ss)
    labels = seen.over(material.label, torch.zeros(seen.depth.shape, dtype=torch.int64, device=aus.device))
    return Rendered(
        images,
        labels[:, middle, middle] if "labels" in outputs else None,
        seen.depth[:, middle, middle] if "depth" in outputs else None,
        landmarks.locate(rig, screen) / ss if "landmarks" in outputs else None,
    )


def render(
    identities: Sequence[Identity],
    aus: torch.Tensor,
    scene: Scene | None = None,
    *,
    size: int = 96,
    supersample: int = 3,
    device: torch.device | str = "cpu",
    outputs: Sequence[str] = (),
) -> Rendered:
    """Pictures of people showing action units.

    `identities`: B people (repeat one for several pictures of the same). `aus`: (B, 2, A) from `au_tensor`; gradients
    reach it from the pixels. `scene`: B pictures, `Scene.neutral` if None. `outputs`: any of "labels", "depth",
    "landmarks". Returns `Rendered` on `device`. Raises UserError for wrong shapes, intensities or output names.
    """
    check_aus(aus)
    scene = Scene.neutral(len(aus)) if scene is None else scene
    if not len(identities) == len(aus) == len(scene):
        raise UserError(f"{len(identities)} identities, {len(aus)} AU rows and {len(scene)} scenes; expected one each")
    if unknown := set(outputs) - {"labels", "depth", "landmarks"}:
        raise UserError(f"outputs {sorted(unknown)} are unknown; use labels, depth, landmarks")
    if size < 8 or supersample < 1:
        raise UserError(f"size {size} and supersample {supersample} found; expected at least 8 and 1")
    rig, scene, aus = load_rig(device), scene.to(device), aus.to(device)
    cast = Cast.prepare(identities, device)
    pieces = []
    for start in range(0, len(aus), CHUNK):
        part = slice(start, start + CHUNK)
        own = replace(cast, owner=cast.owner[part])
        pieces.append(_render_chunk(rig, own, aus[part], scene[part], size, supersample, outputs))
    joined = {}
    for f in fields(Rendered):
        values = [getattr(piece, f.name) for piece in pieces]
        joined[f.name] = None if not values or values[0] is None else torch.cat(values)
    return Rendered(**joined)


def difference_mask(
    identities: Sequence[Identity],
    without: torch.Tensor,
    with_: torch.Tensor,
    scene: Scene | None = None,
    tau: float = 0.02,
    **options,
) -> torch.Tensor:
    """Where a change of AUs shows: |render(with) − render(without)| > tau (display units), bool (B, H, W)."""
    before = render(identities, without, scene, **options).images
    after = render(identities, with_, scene, **options).images
    return ((after - before).abs() > tau)[:, 0]

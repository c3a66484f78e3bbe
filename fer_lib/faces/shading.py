"""Light on a face: what each visible point is made of and how bright it looks. Linear light, one channel.

Wrapped Lambert key light with soft screen-space shadows, sky light weakened in hollows, two specular lobes. The
constants were chosen by eye on sheets of many people; none is physical to the digit.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from fer_lib.faces import chart, skin, wrinkles
from fer_lib.faces.rig import BODY, EYES, LOWER_TEETH, TONGUE, UPPER_TEETH
from fer_lib.faces.visible import Visible

IRIS, PUPIL = 0.066, 0.030  # radii, dm
SCLERA, TEETH, TONGUE_ALBEDO, MOUTH_ALBEDO = 0.46, 0.62, 0.16, 0.07
TOOTH = 0.062  # width, dm
SHADOW_STEPS = (0.05, 0.09, 0.14, 0.20, 0.28, 0.38, 0.50)  # dm towards the light
PICTURE_WIDTH = 1.75  # dm, near enough for every face
CAPPED = 14.6  # dm; the background counts no farther than the ears
EXPOSED_FOR_SKIN = 0.62  # 1 would photograph every skin equally bright
LABELS = ("background", "skin", "lips", "mouth", "eye", "teeth", "tongue", "hair")


@dataclass(frozen=True, eq=False)
class Surface:
    """Material of the P visible pixels."""

    albedo: torch.Tensor  # (P,)
    gloss: torch.Tensor  # (P,) strength of the sharp highlight
    normal: torch.Tensor  # (P, 3) with wrinkles
    label: torch.Tensor  # (P,) index into LABELS


def skin_albedo(tone: torch.Tensor) -> torch.Tensor:
    """Reflectance of skin of tone 0 (dark) to 1 (light)."""
    return 0.09 + 0.44 * tone**1.15


def _skin(seen: Visible, cast, folds: torch.Tensor, turn: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Albedo, wrinkled normal, hair cover and strands for all pixels, as if all were skin."""
    owner = cast.owner[seen.image]
    paint, strands = chart.sample(cast.paint, seen.template[:, :2], owner).unbind(1)
    slope_x, slope_y, valley = chart.sample(folds, seen.template[:, :2], seen.image).unbind(1)
    axes = turn[seen.image]  # rows: where the head's x, y, z axes point
    normal = F.normalize(seen.normal - slope_x[:, None] * axes[:, 0] - slope_y[:, None] * axes[:, 1], dim=1)
    tone = skin_albedo(cast.look("skin_tone"))[seen.image]
    albedo = tone * paint * (1 - 0.26 * valley.clamp(max=1.6))
    hair = skin.hair_cover(seen.template, cast.look("hairline")[seen.image], (strands - 1) * 4)
    return albedo, normal, hair * (1 - seen.masks[:, 3]), strands


def _eyes(seen: Visible, cast) -> torch.Tensor:
    """Albedo of eyeballs: sclera, iris with a dark rim, pupil."""
    radius = seen.eye[:, :2].norm(dim=1)
    front = seen.eye[:, 2] > 0
    iris = 0.15 - 0.125 * cast.look("iris_darkness")[seen.image]
    iris = iris * (1 - 0.55 * torch.sigmoid((radius - 0.9 * IRIS) / 0.003))
    colour = torch.lerp(torch.full_like(radius, 0.015), iris, torch.sigmoid((radius - PUPIL) / 0.002))
    sclera = SCLERA * (1 - 0.9 * (radius - IRIS).clamp(min=0))
    return torch.where(front, torch.lerp(colour, sclera, torch.sigmoid((radius - IRIS) / 0.003)), sclera)


def _teeth(seen: Visible, brightness: torch.Tensor) -> torch.Tensor:
    """Albedo of teeth: gaps between crowns, gums above and below."""
    x, y = seen.template[:, 0], seen.template[:, 1]
    upper = seen.is_part(UPPER_TEETH)
    arc = torch.asin((x / 0.33).clamp(-0.99, 0.99)) * 0.33
    gap = 1 - 0.35 * torch.exp(-((((arc / TOOTH + 0.5) % 1 - 0.5) * TOOTH / 0.006) ** 2))
    gum = torch.sigmoid(torch.where(upper, y - 6.70, 6.52 - y) / 0.008)
    return TEETH * brightness * gap * (1 - 0.7 * gum)


def surface(seen: Visible, cast, aus: torch.Tensor, turn: torch.Tensor) -> Surface:
    """Materials of every visible pixel. `turn` (B, 3, 3) is the head's rotation."""
    folds = wrinkles.folds(aus, cast.look("wrinkles"))
    albedo, normal, hair, strands = _skin(seen, cast, folds, turn)
    lips, inside = seen.masks[:, 0], seen.masks[:, 1]
    albedo = albedo * (1 - cast.look("lip_darkness")[seen.image] * lips)
    hair_albedo = (0.22 - 0.19 * cast.look("hair_darkness")[seen.image]) * strands.clamp(min=0.3)
    body = seen.is_part(BODY)
    hair = hair * body
    albedo = torch.lerp(albedo, hair_albedo, hair)
    albedo = torch.lerp(albedo, torch.full_like(albedo, MOUTH_ALBEDO), inside * (1 - lips))
    eye, teeth, tongue = seen.is_part(*EYES), seen.is_part(UPPER_TEETH, LOWER_TEETH), seen.is_part(TONGUE)
    # eyes and teeth of dark-skinned people would burn out in the exposure that suits their skin
    dimmed = (skin_albedo(cast.look("skin_tone"))[seen.image] / 0.30).clamp(max=1) ** 0.45
    albedo = torch.where(eye, _eyes(seen, cast) * dimmed, albedo)
    albedo = torch.where(teeth, _teeth(seen, cast.look("teeth")[seen.image]) * dimmed, albedo)
    albedo = torch.where(tongue, TONGUE_ALBEDO, albedo)
    normal = torch.where(body[:, None], normal, seen.normal)
    gloss = torch.where(eye, 0.9, torch.where(teeth, 0.25, 0.05 + 0.10 * lips * body)) * (1 - hair)
    label = torch.where(body, 1, 0)
    for number, here in ((2, body & (lips > 0.5)), (3, body & (inside > 0.5) & (lips < 0.5)), (4, eye), (5, teeth)):
        label = torch.where(here, number, label)
    label = torch.where(tongue, 6, torch.where(hair > 0.5, 7, label))
    return Surface(albedo, gloss, normal, label)


def hollows(depth: torch.Tensor) -> torch.Tensor:
    """Share of sky light (B, H, W) that reaches each point: less where the surroundings stand nearer to the camera."""
    near = depth.clamp(max=CAPPED)
    open_sky = torch.ones_like(depth)
    for reach, strength in ((0.05, 1.5), (0.16, 0.8)):
        cells = max(1, round(depth.shape[-1] / PICTURE_WIDTH * reach))
        around = F.avg_pool2d(near[:, None], 2 * cells + 1, max(1, cells // 2), cells, count_include_pad=False)
        around = F.interpolate(around, size=depth.shape[1:], mode="bilinear", align_corners=False)[:, 0]
        open_sky = open_sky * torch.exp(-strength * ((near - around) / reach - 0.1).clamp(min=0, max=2.0))
    return open_sky


def shadows(depth: torch.Tensor, light: torch.Tensor, pixels_per_dm: torch.Tensor) -> torch.Tensor:
    """Share of key light blocked (B, H, W): march towards the light over the depth map. `light` (B, 3), unit."""
    blocked = torch.zeros_like(depth)
    scale = 2 * pixels_per_dm / depth.shape[-1]  # grid_sample units
    ticks = (torch.arange(depth.shape[-1], device=depth.device) + 0.5) * 2 / depth.shape[-1] - 1
    base = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1)[None]
    for step in SHADOW_STEPS:
        shift = torch.stack([light[:, 0], -light[:, 1]], 1) * (step * scale)[:, None]
        there = F.grid_sample(depth[:, None], base + shift[:, None, None], align_corners=False, padding_mode="border")
        rise = depth - light[:, 2, None, None] * step - there[:, 0]  # how far the ray is under the surface
        hit = ((rise - 0.015) / 0.04).clamp(0, 1) * ((0.7 - rise) / 0.2).clamp(0, 1)
        blocked = torch.maximum(blocked, hit)
    return blocked


def light_direction(angles: torch.Tensor) -> torch.Tensor:
    """Azimuth to the viewer's right and elevation, degrees (B, 2) → unit vectors (B, 3) towards the light."""
    azimuth, elevation = torch.deg2rad(angles).unbind(1)
    return torch.stack([azimuth.sin() * elevation.cos(), elevation.sin(), azimuth.cos() * elevation.cos()], 1)


def _background(scene, cast, pixels_per_dm: torch.Tensor, eye_row: torch.Tensor, size: int) -> torch.Tensor:
    """Wall (B, H, W) and, for people with long hair, the hair that falls behind the face."""
    ticks = (torch.arange(size, device=scene.pose.device) + 0.5) / size - 0.5
    level, right, up = scene.background.unbind(1)
    wall = level[:, None, None] + right[:, None, None] * ticks + up[:, None, None] * -ticks[:, None]
    wall = wall.clamp(0.02, 1) ** 2
    if not cast.look("long_hair").any():
        return wall
    pixel = torch.arange(size, device=wall.device) + 0.5
    middle = size * (0.5 - scene.crop[:, 0]) + 0.3 * pixels_per_dm * torch.deg2rad(scene.pose[:, 0])
    x = ((pixel - middle[:, None]) / pixels_per_dm[:, None])[:, None, :].expand(-1, size, -1)
    y = (7.285 - (pixel - eye_row[:, None]) / pixels_per_dm[:, None])[:, :, None].expand(-1, -1, size)
    owner = cast.owner[:, None, None].expand_as(x).flatten()
    strands = chart.sample(cast.paint[:, 1:], torch.stack([x, y], -1).flatten(0, 2), owner).view_as(x)
    edge = 0.80 + 0.06 * cast.look("hair_volume")[:, None, None] + 0.03 * torch.sin(3.1 * y) + 0.10 * (strands - 1)
    cover = torch.sigmoid((edge - x.abs()) / 0.012) * cast.look("long_hair")[:, None, None]
    hair = (0.16 - 0.14 * cast.look("hair_darkness")[:, None, None]) * strands.clamp(min=0.3)
    return torch.lerp(wall, hair * (0.55 + 0.45 * (x.abs() / 0.8).clamp(max=1)), cover)


def shade(seen: Visible, material: Surface, scene, cast, pixels_per_dm: torch.Tensor, eye_row) -> torch.Tensor:
    """Linear light (B, H, W). `pixels_per_dm` and `eye_row` (B,) place the head in the picture."""
    light = light_direction(scene.light)
    sky = seen.pick(hollows(seen.depth))
    shadow = seen.pick(shadows(seen.depth, light, pixels_per_dm))
    teeth = seen.is_part(UPPER_TEETH, LOWER_TEETH)  # enamel is lit from within: hollows darken it less
    sky, shadow = torch.where(teeth, sky**0.45, sky), torch.where(teeth, 0.35 * shadow, shadow)
    towards, share = light[seen.image], scene.contrast[seen.image]
    facing = (material.normal * towards).sum(1)
    key = ((facing + 0.25) / 1.25).clamp(min=0) ** 1.2 * (1 - 0.72 * shadow)
    dome = (0.66 + 0.22 * material.normal[:, 1] + 0.20 * material.normal[:, 2].clamp(min=0)) * sky
    halfway = F.normalize(towards + torch.tensor([0.0, 0.0, 1.0], device=towards.device), dim=1)
    shine = (material.normal * halfway).sum(1).clamp(min=0)
    lobes = (0.045 * shine**12 + material.gloss * 0.35 * shine**90) * (1 - shadow) * sky
    colour = material.albedo * (1.75 * share * key + 1.15 * (1 - share) * dome) + lobes * share
    colour = colour * (0.30 / skin_albedo(cast.look("skin_tone"))[seen.image]) ** EXPOSED_FOR_SKIN
    picture = seen.over(colour, _background(scene, cast, pixels_per_dm, eye_row, seen.depth.shape[-1]))
    return picture * (1 - 0.8 * seen.lash)

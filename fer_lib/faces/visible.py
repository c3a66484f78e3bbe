"""What each covered pixel sees: which part of the head, where on the template, facing which way."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from fer_lib.faces.raster import corner_weights, rasterise
from fer_lib.faces.rig import EYES, LOWER_LASHES, UPPER_LASHES, Rig

FAR = 16.0  # dm; stands for the background in depth maps


@dataclass(frozen=True, eq=False)
class Visible:
    """The P covered pixels of B pictures."""

    image: torch.Tensor  # (P,) which picture
    row: torch.Tensor  # (P,)
    column: torch.Tensor  # (P,)
    part: torch.Tensor  # (P,) part of the head
    template: torch.Tensor  # (P, 3) template coordinates, dm
    masks: torch.Tensor  # (P, 4) lips, inside of the mouth, eyelids, ears
    normal: torch.Tensor  # (P, 3) unit, towards the viewer's side
    eye: torch.Tensor  # (P, 3) position in the eyeball's own frame, dm; the iris looks along +z
    depth: torch.Tensor  # (B, H, W) dm from the camera, FAR for background
    lash: torch.Tensor  # (B, H, W) opacity of eyelashes in front

    def is_part(self, *parts: int) -> torch.Tensor:
        return torch.stack([self.part == number for number in parts]).any(0)

    def over(self, values: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
        """Pixel values (P,) laid over a background (B, H, W)."""
        return background.index_put((self.image, self.row, self.column), values)

    def pick(self, picture_map: torch.Tensor) -> torch.Tensor:
        """Values (P,) of a map (B, H, W) at the covered pixels."""
        return picture_map[self.image, self.row, self.column]


def vertex_normals(vertices: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """Area-weighted unit normals (B, V, 3)."""
    corner = vertices[:, triangles]
    facing = torch.linalg.cross(corner[:, :, 1] - corner[:, :, 0], corner[:, :, 2] - corner[:, :, 0])
    total = torch.zeros_like(vertices)
    for k in range(3):
        total = total.index_add(1, triangles[:, k], facing)
    return F.normalize(total, dim=-1)


def _interpolate(rig: Rig, screen: torch.Tensor, triangle: torch.Tensor, pixels, values: torch.Tensor):
    """Vertex values (B, V, C) at the pixels (P, C), perspective-correct and differentiable; and the parts seen."""
    image, row, column = pixels
    corners = rig.triangles.index_select(0, triangle)
    at = corners + (image * screen.shape[1])[:, None]
    centre = torch.stack([column, row], 1).to(screen) + 0.5
    weights = corner_weights(screen.flatten(0, 1).index_select(0, at.flatten()).view(-1, 3, 3), centre)
    mixed = F.embedding_bag(at, values.flatten(0, 1), per_sample_weights=weights, mode="sum")
    return mixed, rig.part[corners[:, 0]]


def _eye_frames(rig: Rig, still: torch.Tensor, gaze_turn: torch.Tensor) -> torch.Tensor:
    """Eye vertices in the ball's own frame (B, V, 3), dm; zero elsewhere."""
    local = torch.zeros_like(still)
    for eye in EYES:
        own = (rig.part == eye).nonzero()[:, 0]
        ball = still[:, own]
        local = local.index_copy(1, own, (ball - ball.mean(1, keepdim=True)) @ gaze_turn.transpose(1, 2))
    return local


def _lashes(rig: Rig, screen: torch.Tensor, triangles: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """Opacity (B, H, W) of lashes nearer than what lies behind them; thins towards the tips."""
    batch, size = len(screen), depth.shape[-1]
    seen = rasterise(screen, rig.triangles[triangles], size, size)
    pixels = (seen >= 0).nonzero(as_tuple=True)
    values = torch.cat([screen[..., 2:], lash_root(rig)[:, None].expand(batch, -1, 1)], 2)
    mixed, _ = _interpolate(rig, screen, triangles[seen[pixels]], pixels, values)
    nearness, root = mixed.unbind(1)
    front = 1 / nearness < depth[pixels] + 0.02
    opacity = torch.zeros(batch, size, size, device=screen.device)
    return opacity.index_put(pixels, front * root)


def lash_root(rig: Rig) -> torch.Tensor:
    """(V,) 1 where a lash meets the lid, 0 at its tip; 0 off the lashes."""
    lash = torch.isin(rig.part, torch.tensor(UPPER_LASHES, device=rig.part.device))
    root = torch.zeros(len(rig.part), device=rig.part.device)
    gap = torch.cdist(rig.vertices[lash], rig.vertices[rig.part == 0]).amin(1)
    root[lash] = (1 - gap / 0.035).clamp(0, 1)
    return root


def see(rig: Rig, screen: torch.Tensor, still: torch.Tensor, turned: torch.Tensor, gaze_turn, size: int) -> Visible:
    """Rasterise and interpolate. `screen`, `still`, `turned`: (B, V, 3); `gaze_turn`: (B, 3, 3)."""
    part = rig.part[rig.triangles[:, 0]]
    upper, lower = (torch.isin(part, torch.tensor(kind, device=part.device)) for kind in (UPPER_LASHES, LOWER_LASHES))
    solid, lash = (~upper & ~lower).nonzero()[:, 0], upper.nonzero()[:, 0]  # lower lashes are too fine to show
    seen = rasterise(screen, rig.triangles[solid], size, size)
    pixels = (seen >= 0).nonzero(as_tuple=True)
    normals = vertex_normals(turned, rig.triangles)
    fixed = torch.cat([rig.vertices, rig.masks], 1).expand(len(screen), -1, -1)
    values = torch.cat([fixed, normals, _eye_frames(rig, still, gaze_turn), screen[..., 2:]], 2)
    mixed, part = _interpolate(rig, screen, solid[seen[pixels]], pixels, values)
    template, masks, normal, eye, nearness = mixed.split((3, 4, 3, 3, 1), dim=1)
    depth = torch.full(seen.shape, FAR, device=screen.device).index_put(pixels, 1 / nearness[:, 0])
    return Visible(
        *pixels,
        part=part,
        template=template,
        masks=masks,
        normal=F.normalize(normal, dim=1),
        eye=eye,
        depth=depth,
        lash=_lashes(rig, screen.detach(), lash, depth.detach()),
    )

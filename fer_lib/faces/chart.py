"""The canonical chart: paint and wrinkles live in the template's frontal plane and follow the mesh.

Pixel (row, column) of the chart is template point (x, y); every rendered pixel interpolates its template coordinates
and looks its paint up here. Distances in decimetres.
"""

import torch
import torch.nn.functional as F

LEFT, RIGHT, BOTTOM, TOP = -0.95, 0.95, 5.95, 8.45
SCALE = 240  # pixels per dm
WIDTH, HEIGHT = round((RIGHT - LEFT) * SCALE), round((TOP - BOTTOM) * SCALE)


def to_pixels(points: torch.Tensor) -> torch.Tensor:
    """Template (x, y) (…, 2) → chart (column, row) in pixels, centres at halves."""
    return torch.stack([(points[..., 0] - LEFT) * SCALE, (TOP - points[..., 1]) * SCALE], -1)


def grid() -> tuple[torch.Tensor, torch.Tensor]:
    """Template x (1, W) and y (H, 1) of the chart's pixel centres."""
    x = LEFT + (torch.arange(WIDTH) + 0.5) / SCALE
    y = TOP - (torch.arange(HEIGHT) + 0.5) / SCALE
    return x[None, :], y[:, None]


def sample(maps: torch.Tensor, points: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """Bilinear look-up of `maps` (B, C, H, W) at template points (P, 2) of pictures `owner` (P,) → (P, C)."""
    column, row = (to_pixels(points) - 0.5).unbind(-1)
    column, row = column.clamp(0, WIDTH - 1.001), row.clamp(0, HEIGHT - 1.001)
    left, top = column.detach().floor(), row.detach().floor()
    dx, dy = column - left, row - top
    at = (owner * HEIGHT + top.long()) * WIDTH + left.long()
    corners = torch.stack([at, at + 1, at + WIDTH, at + WIDTH + 1], 1)
    weights = torch.stack([(1 - dx) * (1 - dy), dx * (1 - dy), (1 - dx) * dy, dx * dy], 1)
    flat = maps.movedim(1, -1).reshape(-1, maps.shape[1])
    return F.embedding_bag(corners, flat, per_sample_weights=weights, mode="sum")


def noise(cell: float, generator: torch.Generator, stretch: float = 1.0) -> torch.Tensor:
    """Smooth random field (H, W) with unit variance; `cell` dm across, `stretch` times longer in y."""
    rows, columns = int(2.5 / (cell * stretch)) + 4, int(1.9 / cell) + 4
    coarse = torch.randn(1, 1, rows, columns, generator=generator)
    field = F.interpolate(coarse, size=(HEIGHT, WIDTH), mode="bicubic", align_corners=False)[0, 0]
    return field / field.std()


def blur(field: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of (H, W), sigma in dm."""
    radius = max(1, int(3 * sigma * SCALE))
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / (sigma * SCALE)) ** 2)
    kernel = (kernel / kernel.sum())[None, None]
    rows = F.conv1d(F.pad(field[:, None], (radius, radius), "replicate"), kernel)[:, 0]
    return F.conv1d(F.pad(rows.T[:, None], (radius, radius), "replicate"), kernel)[:, 0].T

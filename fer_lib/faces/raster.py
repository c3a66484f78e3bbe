"""Which triangle does each pixel see? An exact z-buffer in plain torch, for whole batches, on any device.

A triangle is cut into rows, a row into pixels; each candidate (pixel, triangle) carries one 64-bit key with the
quantised nearness above the triangle's number, and a scatter-max keeps the nearest. Integer maxima do not depend on
the order of work, so the result is the same for any number of threads.
"""

import torch

NEARNESS_BITS = 30


def _row_spans(xy: torch.Tensor, height: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows each triangle covers. xy (K, 3, 2) pixels → triangle, row, first and last x (float), one entry a row."""
    low = (xy[..., 1].amin(1) - 0.5).ceil().clamp(0, height).long()
    high = ((xy[..., 1].amax(1) - 0.5).floor() + 1).clamp(0, height).long()
    rows = (high - low).clamp(min=0)
    triangle = torch.repeat_interleave(rows)
    start = torch.cumsum(rows, 0) - rows
    row = torch.arange(len(triangle), device=xy.device) - (start - low)[triangle]
    centre = row + 0.5
    first = torch.full_like(centre, torch.inf)
    last = torch.full_like(centre, -torch.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        (xa, ya), (xb, yb) = xy[:, a].unbind(1), xy[:, b].unbind(1)
        slope = (xb - xa) / torch.where(yb == ya, torch.inf, yb - ya)
        low_y, high_y = torch.minimum(ya, yb)[triangle], torch.maximum(ya, yb)[triangle]
        crossed = (centre >= low_y) & (centre <= high_y)
        x = xa[triangle] + slope[triangle] * (centre - ya[triangle])
        first = torch.where(crossed, torch.minimum(first, x), first)
        last = torch.where(crossed, torch.maximum(last, x), last)
    return triangle, row, first, last


def _fragments(xy: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Candidate (triangle, row, column) for pixel centres inside each triangle."""
    triangle, row, first, last = _row_spans(xy, height)
    start = (first - 0.5).ceil().clamp(0, width)
    count = ((last - 0.5).floor() + 1).clamp(0, width) - start
    count = torch.where(count > 0, count, 0).long()
    span = torch.repeat_interleave(count)
    offset = torch.cumsum(count, 0) - count
    column = torch.arange(len(span), device=xy.device) - (offset - start.long())[span]
    return triangle[span], row[span], column


def rasterise(screen: torch.Tensor, triangles: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Triangle number seen at each pixel centre, −1 for none.

    `screen` (B, V, 3): x right and y down in pixels, and 1/depth (larger is nearer). `triangles` (F, 3), front faces
    counter-clockwise as seen in (x, −y); back faces are dropped. Returns (B, H, W) int64.
    """
    batch, faces = len(screen), len(triangles)
    corners = screen.detach()[:, triangles]  # (B, F, 3, 3)
    side = corners[:, :, 1:, :2] - corners[:, :, :1, :2]
    area = side[:, :, 0, 0] * side[:, :, 1, 1] - side[:, :, 0, 1] * side[:, :, 1, 0]
    image, face = (area < -1e-9).nonzero(as_tuple=True)
    kept, area = corners[image, face], area[image, face]
    triangle, row, column = _fragments(kept[..., :2], height, width)
    # 1/depth is linear on the screen: one plane a triangle
    side, rise = side[image, face], kept[:, 1:, 2] - kept[:, :1, 2]
    slope_x = (rise[:, 0] * side[:, 1, 1] - rise[:, 1] * side[:, 0, 1]) / area
    slope_y = (rise[:, 1] * side[:, 0, 0] - rise[:, 0] * side[:, 1, 0]) / area
    base = kept[:, 0, 2] + slope_x * (0.5 - kept[:, 0, 0]) + slope_y * (0.5 - kept[:, 0, 1])
    nearness = base[triangle] + slope_x[triangle] * column + slope_y[triangle] * row
    quantised = (nearness.clamp(0, 1 - 1e-7).double() * 2**NEARNESS_BITS).long()
    key = quantised * faces + face[triangle]
    pixel = (image[triangle] * height + row) * width + column
    nearest = torch.full((batch * height * width,), -1, device=screen.device)
    nearest.scatter_reduce_(0, pixel, key, "amax")
    return torch.where(nearest >= 0, nearest % faces, -1).view(batch, height, width)


def corner_weights(corners: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Perspective-correct weights (P, 3) of the corners of the triangle each pixel sees; differentiable.

    `corners` (P, 3, 3): x, y in pixels and 1/depth; `pixels` (P, 2): centres (x, y).
    """
    ax, ay, _ = (corners[:, 0] - torch.nn.functional.pad(pixels, (0, 1))).unbind(1)
    bx, by, _ = (corners[:, 1] - torch.nn.functional.pad(pixels, (0, 1))).unbind(1)
    cx, cy, _ = (corners[:, 2] - torch.nn.functional.pad(pixels, (0, 1))).unbind(1)
    flat = torch.stack([bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay], 1)
    weights = flat * corners[:, :, 2]
    return weights / weights.sum(1, keepdim=True)

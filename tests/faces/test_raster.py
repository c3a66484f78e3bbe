import torch

from fer_lib.faces.raster import corner_weights, rasterise


def brute_force(screen, triangles, size):
    """Nearest triangle at each pixel centre by testing every triangle, in float64."""
    centre = torch.arange(size, dtype=torch.float64) + 0.5
    y, x = torch.meshgrid(centre, centre, indexing="ij")
    best = torch.full((size, size), -1.0, dtype=torch.float64)
    seen = torch.full((size, size), -1)
    for number, corners in enumerate(triangles.tolist()):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = screen[corners].double().tolist()
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area >= 0:
            continue  # faces away
        u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
        v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
        w = 1 - u - v
        z = u * az + v * bz + w * cz
        nearer = (u >= 0) & (v >= 0) & (w >= 0) & (z > best)
        best[nearer], seen[nearer] = z[nearer], number
    return seen


def random_scene(seed, count=40, size=48):
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand(count, 1, 2, generator=generator) * size
    xy = centre + torch.randn(count, 3, 2, generator=generator) * 9
    depth = 0.05 + 0.05 * torch.rand(count, 3, 1, generator=generator)
    return torch.cat([xy, depth], 2).flatten(0, 1), torch.arange(3 * count).view(count, 3), size


def test_the_nearest_front_face_wins_as_in_brute_force():
    for seed in range(4):
        screen, triangles, size = random_scene(seed)
        ours = rasterise(screen[None], triangles, size, size)[0]
        assert (ours == brute_force(screen, triangles, size)).float().mean() > 0.998  # rounding on shared edges


def test_a_batch_is_the_same_as_one_by_one():
    scenes = [random_scene(seed) for seed in (1, 2, 3)]
    batch = rasterise(torch.stack([s for s, _, _ in scenes]), scenes[0][1], 48, 48)
    for picture, (screen, triangles, size) in zip(batch, scenes, strict=True):
        assert torch.equal(picture, rasterise(screen[None], triangles, size, size)[0])


def test_the_number_of_threads_does_not_matter():
    screen, triangles, size = random_scene(5)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = rasterise(screen[None], triangles, size, size)
        torch.set_num_threads(2)
        assert torch.equal(one, rasterise(screen[None], triangles, size, size))
    finally:
        torch.set_num_threads(before)


def test_neighbours_that_share_an_edge_leave_no_crack():
    corners = torch.tensor([[3.3, 4.1, 0.1], [40.2, 7.7, 0.1], [36.4, 41.9, 0.1], [5.8, 38.3, 0.1]])
    both = torch.tensor([[0, 2, 1], [0, 3, 2]])
    seen = rasterise(corners[None], both, 48, 48)[0]
    assert (seen[10:35, 10:35] >= 0).all()


def test_weights_are_perspective_correct():
    # a line from depth 1 to depth 3: its screen midpoint lies at a quarter of its length
    corners = torch.tensor([[[0.0, 0.0, 1.0], [10.0, 0.0, 1 / 3], [0.0, 10.0, 1.0]]])
    weights = corner_weights(corners, torch.tensor([[5.0, 0.0]]))
    assert torch.allclose(weights, torch.tensor([[0.75, 0.25, 0.0]]), atol=1e-6)

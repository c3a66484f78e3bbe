import hashlib
import math

import pytest
import torch
from torch import nn

from fer_lib.errors import UserError
from fer_lib.files import write_json, write_tensors
from fer_lib.model import LAYERS, ZeroBiasCNN, load_pretrained


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("classes", "count"), [(6, 1_334_906), (7, 1_335_207), (8, 1_335_508)])
def test_parameter_count_is_the_papers(classes, count):
    assert sum(p.numel() for p in ZeroBiasCNN(classes).parameters()) == count


@pytest.mark.parametrize("size", [16, 48, 96])
def test_quadrant_pooling_follows_the_size(size):
    model = ZeroBiasCNN(7, size)
    x = torch.rand(2, 1, size, size)
    assert model(x).shape == (2, 7)
    assert model.activations(x).shape == (2, 256, size // 4, size // 4)
    assert model.activations(x, "pool3").shape == (2, 256, 2, 2)
    assert sum(p.numel() for p in model.parameters()) == 1_335_207


def test_each_rectifier_is_its_own_module():
    model = ZeroBiasCNN()
    assert len({id(m) for m in model.modules() if isinstance(m, nn.ReLU)}) == 4
    assert [name for name, _ in model.named_children()] == list(LAYERS)


def test_activations_are_rectified_and_end_in_the_logits():
    model = ZeroBiasCNN(size=16).eval()
    x = torch.randn(2, 1, 16, 16, generator=generator())
    by_hand = model.conv1(x).clamp(min=0)
    assert torch.equal(model.activations(x, "conv1"), by_hand)
    assert torch.equal(model.activations(x, "output"), model(x))


def test_conv_stack_is_homogeneous_and_complete():
    """a(c x) = c a(x), and <gradient, x> = a(x): what zero bias means (science: checks that must exist, 3)."""
    model = ZeroBiasCNN(size=48).double()
    x = torch.randn(1, 1, 48, 48, generator=generator(1), dtype=torch.float64, requires_grad=True)
    a = model.activations(x)
    assert torch.allclose(model.activations(3 * x), 3 * a)
    one = a[0].max()
    (gradient,) = torch.autograd.grad(one, x)
    assert (gradient * x).sum().item() == pytest.approx(one.item(), rel=1e-9)
    biased = ZeroBiasCNN(size=48, zero_bias=False).double()
    nn.init.constant_(biased.conv1.bias, 0.5)
    assert not torch.allclose(biased.activations(3 * x), 3 * biased.activations(x))


@pytest.mark.parametrize("zero_bias", [True, False])
def test_training_rectifies_after_pooling_and_gives_the_same_bits(zero_bias):
    """Both orders, written out: outputs and all gradients agree bit for bit, without dropout."""
    model = ZeroBiasCNN(8, 24, zero_bias, generator(), dropout=0.0)
    x = torch.randn(5, 1, 24, 24, generator=generator(1))

    def outcome() -> list[torch.Tensor]:
        logits = model(x)
        return [logits, *torch.autograd.grad(logits.square().sum(), list(model.parameters()))]

    after, before = (model.train(mode) and outcome() for mode in (True, False))
    assert all(torch.equal(one, other) for one, other in zip(after, before, strict=True))
    assert all(gradient.abs().sum() > 0 for gradient in after)
    seen = []
    model.relu1.register_forward_hook(lambda module, inputs, output: seen.append(output.shape[-1]))
    model.train()(x), model.eval()(x)
    assert seen == [12, 24]  # a quarter of the values while training


def test_unit_sees_the_stated_window():
    """conv3 unit (y, x) sees rows 4y - 14 ... 4y + 17 of the input."""
    model = ZeroBiasCNN()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1.0)  # every path open
    x = torch.rand(1, 1, 96, 96, generator=generator()).add(1.0).requires_grad_()
    seen = torch.zeros(96, dtype=torch.bool)
    # max-pooling passes one input a window: repeat with many inputs to light the whole window
    for seed in range(40):
        with torch.no_grad():
            x.copy_(torch.rand(1, 1, 96, 96, generator=generator(seed)))
        (gradient,) = torch.autograd.grad(model.activations(x)[0, 0, 10, 12], x)
        seen |= gradient[0, 0].ne(0).any(dim=1)
    rows = seen.nonzero().flatten()
    assert (int(rows.min()), int(rows.max())) == (4 * 10 - 14, 4 * 10 + 17)


@pytest.mark.parametrize(("fc4_init", "divisor"), [("as_released", 256), ("as_described", 32)])
def test_initial_spread(fc4_init, divisor):
    model = ZeroBiasCNN(generator=generator(3), gain=0.8, fc4_init=fc4_init)
    assert model.conv2.weight.std().item() == pytest.approx(0.8 / math.sqrt(64 * 25), rel=0.02)
    assert model.fc4.weight.std().item() == pytest.approx(0.8 / divisor, rel=0.02)
    assert torch.all(model.fc4.bias == 1) and torch.all(model.output.bias == 0)


def test_gain_is_one_draw_for_the_whole_network():
    model = ZeroBiasCNN(generator=generator(5))
    gains = [layer.weight.std().item() * math.sqrt(layer.weight[0].numel()) for layer in (model.conv2, model.conv3)]
    assert gains[0] == pytest.approx(gains[1], rel=0.02)
    assert 0.2 <= gains[0] <= 1.2


def test_same_generator_same_weights_and_no_global_draw():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = ZeroBiasCNN(generator=generator(2)), ZeroBiasCNN(generator=generator(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_twin_has_biases_that_start_at_zero():
    twin = ZeroBiasCNN(zero_bias=False)
    assert sum(p.numel() for p in twin.parameters()) == 1_335_508 + 64 + 128 + 256
    assert torch.all(twin.conv3.bias == 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"size": 100}, "multiple of 8"), ({"size": 0}, "multiple of 8"), ({"classes": 1}, "at least 2"),
     ({"fc4_init": "none"}, "as_described")],
)  # fmt: skip
def test_bad_construction(arguments, message):
    with pytest.raises(UserError, match=message):
        ZeroBiasCNN(**arguments)


def test_bad_input_and_layer():
    model = ZeroBiasCNN(size=48)
    with pytest.raises(UserError, match=r"\(2, 1, 96, 96\).*\(B, 1, 48, 48\)"):
        model(torch.zeros(2, 1, 96, 96))
    with pytest.raises(UserError, match="conv9.*conv3"):
        model.activations(torch.zeros(2, 1, 48, 48), "conv9")


@pytest.fixture
def shipped(tmp_path):
    model = ZeroBiasCNN(6, 48, generator=generator(9))
    path = tmp_path / "tiny.safetensors"
    write_tensors(path, {name: tensor.half() for name, tensor in model.state_dict().items()})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    write_json(path.with_suffix(".json"),
               {"emotions": list("abcdef"), "size": 48, "zero_bias": True, "weights_sha256": digest})  # fmt: skip
    return model, path


def test_load_pretrained_round_trip(shipped):
    model, path = shipped
    loaded, card = load_pretrained("tiny", path.parent)
    assert card["size"] == loaded.size == 48 and not loaded.training
    assert loaded.conv1.weight.dtype == torch.float32
    assert torch.allclose(loaded.conv1.weight, model.conv1.weight, atol=1e-3)


def test_load_pretrained_refuses(shipped):
    _, path = shipped
    with pytest.raises(UserError, match="nothing.*tiny"):
        load_pretrained("nothing", path.parent)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="sha256"):
        load_pretrained("tiny", path.parent)


def test_load_pretrained_refuses_another_architecture(shipped):
    _, path = shipped
    card = path.with_suffix(".json")
    card.write_text(card.read_text().replace("true", "false"))
    with pytest.raises(UserError, match="another architecture.*conv1.bias"):
        load_pretrained("tiny", path.parent)


def test_dropout_is_inverted_and_repeats_by_its_generator():
    dropout = ZeroBiasCNN(dropout=0.25).dropout.train()
    x = torch.ones(100, 1024)
    dropout.generator = generator(4)
    first = dropout(x)
    dropout.generator = generator(4)
    assert torch.equal(first, dropout(x))
    assert first.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert first.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(dropout.eval()(x), x)

import dataclasses
import math

import pytest
import torch

from fer_lib.errors import UserError
from fer_lib.preprocess import prepare
from fer_lib.training import TrainConfig
from fer_lib.training.config import resolve_device, resolve_precision


def test_defaults_are_the_papers_run():
    assert TrainConfig.make() == TrainConfig()
    config = TrainConfig()
    assert (config.recipe, config.variant, config.steps, config.batch_size) == ("as_released", "AD", 31_000, 64)
    assert (config.learning_rate, config.momentum, config.weight_decay) == (1e-2, 0.9, 1e-5)


@pytest.mark.parametrize("variant", ["plain", "D", "A", "AD"])
@pytest.mark.parametrize("recipe", ["as_released", "as_described"])
def test_names_and_fields_agree(recipe, variant):
    config = TrainConfig.make(recipe, variant, "quick")
    assert (config.recipe, config.variant) == (recipe, variant)
    assert config.unit_variance == (recipe == "as_described")
    assert config.augment == ("A" in variant) and (config.dropout > 0) == ("D" in variant)


def test_a_mixture_of_recipes_says_so():
    one = TrainConfig.make("as-released", fc4_init="as_described")
    assert one.recipe == "as_released but fc4_init=as_described"
    assert TrainConfig.make("as-released", fc4_init="as_described", unit_variance=True).recipe == "custom"
    assert TrainConfig.make(dropout=0.3).variant == "custom"


def test_none_keeps_the_presets_value():
    assert TrainConfig.make(preset="quick", steps=None, size=16).steps == TrainConfig.make(preset="quick").steps


def test_round_trip_through_a_dict():
    config = TrainConfig.make("as_described", "D", "quick", seed=3)
    assert TrainConfig(**config.as_dict()) == config


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recipe": "mine"}, "as_released, as_described"),
        ({"variant": "DA"}, "plain, D, A, AD"),
        ({"preset": "slow"}, "paper, quick"),
        ({"step": 3}, "'step'.*steps"),
        ({"steps": 0}, "steps is 0"),
        ({"size": 20}, "size is 20.*multiple of 8"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"schedule": "linear"}, "constant, cosine"),
        ({"precision": "float16"}, "bfloat16"),
        ({"steps": 4.5}, "steps is 4.5; expected a whole number"),
        ({"batch_size": 8.5}, "batch_size is 8.5; expected a whole number"),
        ({"size": "48"}, "size is '48'; expected a whole number"),
        ({"weight_decay": -1}, "weight_decay is -1; expected a number from 0"),
        ({"variance_epsilon": -1}, "variance_epsilon is -1; expected a number from 0"),
        ({"init_gain": -1}, "init_gain is -1; expected a number above 0, or None to draw it"),
        ({"learning_rate": float("inf")}, "learning_rate is inf"),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(UserError, match=message):
        TrainConfig.make(**arguments)


def test_preparation_is_the_recipes():
    images = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    for recipe in ("as_released", "as_described"):
        assert torch.equal(TrainConfig.make(recipe).prepare(images), prepare(images, recipe))


def test_batches_are_augmented_only_by_the_variants_that_say_so():
    images = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    for variant in ("plain", "D", "A", "AD"):
        config = TrainConfig.make(variant=variant)
        batch = config.training_batch(images, config.generator("batches"))
        assert torch.equal(batch, config.prepare(images)) == ("A" not in variant)


def test_the_described_recipe_jitters_contrast():
    """As released, a picture's stretch undoes contrast; as described, a mid-grey picture keeps off 0 and 1."""
    images = 0.4 + 0.2 * torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    released, described = (
        TrainConfig.make(recipe, unit_variance=False).training_batch(images, torch.Generator().manual_seed(1))
        for recipe in ("as_released", "as_described")
    )
    assert described.std() < 0.7 * released.std()


def test_shift_and_epsilon_reach_the_batches():
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))

    def batch(**changed):
        return TrainConfig.make("as_described", **changed).training_batch(images, torch.Generator().manual_seed(1))

    usual = batch()
    assert not torch.allclose(batch(shift_with_scale=False), usual)
    assert batch(variance_epsilon=10.0).std() < 0.2 * usual.std()


def test_streams_differ_by_purpose_and_seed():
    config, other = TrainConfig(), TrainConfig(seed=1)
    seeds = {g.initial_seed() for c in (config, other) for g in map(c.generator, ("weights", "batches", "dropout"))}
    assert len(seeds) == 6


def test_the_init_field_reaches_the_weights():
    model = TrainConfig.make("as_described", init_gain=1.0).model(8)
    assert model.fc4.weight.std().item() == pytest.approx(1 / 32, rel=0.02)
    assert TrainConfig(zero_bias=False).model(8).conv1.bias is not None


def test_schedules():
    constant, cosine = TrainConfig(steps=100), TrainConfig(steps=100, schedule="cosine")
    assert {constant.rate(step) for step in (0, 50, 99)} == {1e-2}
    assert cosine.rate(0) == 1e-2 and cosine.rate(50) == pytest.approx(5e-3)
    rising = TrainConfig(steps=100, warmup=4)
    assert [rising.rate(step) / 1e-2 for step in (0, 1, 3, 4, 99)] == pytest.approx([0.25, 0.5, 1, 1, 1])
    assert cosine.rate(99) == pytest.approx(1e-2 * 0.5 * (1 + math.cos(math.pi * 0.99)))


def test_every_field_says_why():
    import inspect

    source = inspect.getsource(TrainConfig)
    for field in dataclasses.fields(TrainConfig):
        line = next(line for line in source.splitlines() if line.strip().startswith(f"{field.name}:"))
        assert "#" in line, f"{field.name} gives no reason"


def test_devices():
    assert resolve_device("cpu").type == "cpu"
    with pytest.raises(UserError, match="auto, cpu, cuda"):
        resolve_device("abacus")
    with pytest.raises(UserError, match="CUDA devices"):
        resolve_device(f"cuda:{torch.cuda.device_count()}")


def test_precision_on_request():
    cpu = torch.device("cpu")
    assert resolve_precision("float32", cpu) == "float32"
    assert resolve_precision("auto", cpu) in ("float32", "bfloat16")

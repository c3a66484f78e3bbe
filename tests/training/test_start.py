"""What `watch_start` sees is the training that `fit` does."""

import pytest
import torch

from fer_lib.errors import UserError
from fer_lib.training import TrainConfig, fit, live_units, load_run, watch_start


def config(**fields) -> TrainConfig:
    defaults = {"size": 16, "steps": 30, "batch_size": 16, "checkpoint_every": 10, "learning_rate": 0.01, "warmup": 0}
    return TrainConfig.make("as_described", "AD", "quick", **(defaults | fields))


@pytest.fixture(scope="module")
def faces(tiny_faces):
    return tiny_faces()


def test_the_start_is_that_of_fit_bit_for_bit(faces, tmp_path):
    """Of the whole run: after 20 of its 30 batches the cosine stands elsewhere than at the end of a run of 20."""
    model, history = watch_start(faces, config(), 20, progress=False)
    fit(faces, config(), tmp_path / "run", progress=False)
    of_run, *_ = load_run(tmp_path / "run", 20)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), of_run.parameters(), strict=True))
    assert list(history["step"]) == [0, 10, 20] and not model.training
    assert history["loss"].isna().tolist() == [True, False, False]


def test_losses_are_those_of_the_run(faces):
    _, history = watch_start(faces, config(), 30, progress=False)
    assert history["loss"].iloc[1:].to_numpy() == pytest.approx(
        fit(faces, config(), progress=False).history["loss"].to_numpy(), rel=1e-5
    )


def test_live_units_are_counted_over_all_pictures():
    model = TrainConfig.make("as_described", "AD", "quick", size=16).model(8)
    x = torch.rand(70, 1, 16, 16)
    answers = model.eval().activations(x, "fc4") > 0
    assert live_units(model, x) == pytest.approx(answers.any(dim=0).float().mean().item())
    with torch.no_grad():
        model.fc4.bias[:60], model.fc4.bias[60:] = -1e6, 1e6
    model.train()
    assert live_units(model, x) == pytest.approx(240 / 300) and model.training
    with torch.no_grad():
        model.fc4.weight.zero_()
        model.fc4.bias.fill_(-1)
    assert live_units(model, x) == 0


def test_one_picture_is_enough_for_a_unit_to_live():
    model = TrainConfig.make("as_described", "AD", "quick", size=16).model(8).eval()
    x = torch.zeros(40, 1, 16, 16)
    x[39] = torch.rand(1, 16, 16)  # the last chunk's last picture alone moves anything
    pooled = model.activations(x, "flatten")
    with torch.no_grad():
        model.fc4.weight.zero_()
        model.fc4.bias.fill_(-1e-6)
        model.fc4.weight[7] = pooled[39]
    assert live_units(model, x) == pytest.approx(1 / 300)


def test_no_pictures_are_no_silence():
    with pytest.raises(UserError, match="no images to ask"):
        live_units(config().model(8), torch.empty(0, 1, 16, 16))


@pytest.mark.parametrize("batches", [0, 31])
def test_batches_outside_the_run_are_refused(faces, batches):
    with pytest.raises(UserError, match=f"batches={batches} found; the run has 30"):
        watch_start(faces, config(), batches, progress=False)


def test_rows_need_a_step(faces):
    with pytest.raises(UserError, match="every=0 found"):
        watch_start(faces, config(), 10, every=0, progress=False)


def test_a_loss_that_is_not_finite_stops_the_start(faces):
    with pytest.raises(UserError, match="the loss is not finite by step .*lower the learning rate"):
        watch_start(faces, config(learning_rate=1e30), 10, progress=False)

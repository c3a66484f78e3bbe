import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fer_lib.errors import UserError
from fer_lib.training import TrainConfig, fit, load_run
from fer_lib.training.loop import Loop, _optimizer


def config(**fields) -> TrainConfig:
    defaults = {"size": 16, "steps": 30, "batch_size": 16, "checkpoint_every": 10, "learning_rate": 0.01, "warmup": 0}
    return TrainConfig.make("as_described", "plain", "quick", **(defaults | fields))


@pytest.fixture(scope="module")
def faces(tiny_faces):
    return tiny_faces()


def accuracy(model, run: TrainConfig, faces) -> float:
    with torch.no_grad():
        logits = model(run.prepare(torch.tensor(faces.images)))
    return float((logits.argmax(1).numpy() == faces.emotion).mean())


def test_learns(faces, tmp_path):
    training, _, test = faces.split(0)
    run = config(steps=60)
    result = fit(training, run, tmp_path / "run", progress=False)
    assert accuracy(result.model, run, test) > 0.9
    assert list(result.history["step"]) == [10, 20, 30, 40, 50, 60]
    assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0] / 2
    assert not result.model.training
    written = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert written[0] == "step,loss,accuracy,images_per_second" and len(written) == 7


def test_same_seed_same_weights_without_touching_the_global_generator(faces):
    before = torch.get_rng_state()
    run = config(dropout=0.5, augment=True)
    first, second = (fit(faces, run, progress=False).model.state_dict() for _ in range(2))
    other = fit(faces, config(dropout=0.5, augment=True, seed=1), progress=False).model.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["fc4.weight"], other["fc4.weight"])
    assert torch.equal(torch.get_rng_state(), before)


def test_the_update_is_the_authors(faces):
    """v = m v - r (g + d w), w = w + v, biases decayed too (anna: gen_updates_regular_momentum)."""
    run = config(learning_rate=0.1, momentum=0.9, weight_decay=0.01)
    model = run.model(4)
    optimizer, bias = _optimizer(model, run), model.output.bias
    w, v, gradient = bias.detach().clone(), torch.zeros(4), torch.tensor([1.0, -2.0, 0.5, 0.0])
    for _ in range(3):
        v = 0.9 * v - 0.1 * (gradient + 0.01 * w)
        w = w + v
        bias.grad = gradient.clone()
        optimizer.step()
    assert torch.allclose(bias, w, atol=1e-6)


def test_bfloat16_costs_no_accuracy(faces):
    training, _, test = faces.split(1)
    scores = {}
    for precision in ("float32", "bfloat16"):
        run = config(steps=60, precision=precision)
        scores[precision] = accuracy(fit(training, run, progress=False).model, run, test)
    assert scores["float32"] > 0.9 and scores["bfloat16"] > scores["float32"] - 0.05


def fit_until(step: int, monkeypatch, *arguments) -> None:
    """A training that is stopped, as by Ctrl-C, before this step."""
    rate = TrainConfig.rate

    def rate_or_stop(self, now):
        if now == step:
            raise KeyboardInterrupt
        return rate(self, now)

    with monkeypatch.context() as patch:
        patch.setattr(TrainConfig, "rate", rate_or_stop)
        with pytest.raises(KeyboardInterrupt):
            fit(*arguments, progress=False)


def test_resume_in_one_process_is_bit_identical(faces, tmp_path, monkeypatch):
    run = config(dropout=0.5, augment=True)
    whole = fit(faces, run, tmp_path / "whole", progress=False).model.state_dict()
    fit_until(25, monkeypatch, faces, run, tmp_path / "cut")
    result = fit(faces, run, tmp_path / "cut", resume=True, progress=False)
    assert all(torch.equal(whole[name], tensor) for name, tensor in result.model.state_dict().items())
    assert list(result.history["step"]) == [10, 20, 30]
    again = fit(faces, run, tmp_path / "cut", resume=True, progress=False)  # nothing left to do
    assert torch.equal(again.model.fc4.weight, result.model.fc4.weight)


def test_without_momentum_a_run_is_kept_and_goes_on(faces, tmp_path, monkeypatch):
    run = config(steps=10, checkpoint_every=5, momentum=0.0, learning_rate=0.05)
    whole = fit(faces, run, progress=False).model.state_dict()
    fit_until(8, monkeypatch, faces, run, tmp_path)
    result = fit(faces, run, tmp_path, resume=True, progress=False)
    assert all(torch.equal(whole[name], tensor) for name, tensor in result.model.state_dict().items())


def test_every_checkpoint_can_be_loaded(faces, tmp_path):
    result = fit(faces, config(), tmp_path, progress=False)
    model, run, identity = load_run(tmp_path)
    assert torch.equal(model.fc4.weight, result.model.fc4.weight) and run == config()
    assert identity["recipe"] == "as_described" and identity["data_hash"] == faces.data_hash
    early, _, _ = load_run(tmp_path, step=10)
    assert not torch.equal(early.fc4.weight, model.fc4.weight)
    with pytest.raises(UserError, match="step 15; found 10, 20, 30"):
        load_run(tmp_path, step=15)


def test_diverging_run_stops_with_its_last_good_checkpoint(faces, tmp_path):
    run = config(learning_rate=1e4, checkpoint_every=1, precision="float32")
    with pytest.raises(UserError, match="not finite.*lower the learning rate"):
        fit(faces, run, tmp_path, progress=False)
    for step in (path.stem for path in (tmp_path / "checkpoints").iterdir()):
        model, _, _ = load_run(tmp_path, int(step.removeprefix("step-")))
        assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def test_bad_data(faces):
    with pytest.raises(UserError, match=r"16x16.*48.*resize\(48\)"):
        fit(faces, config(size=48))
    with pytest.raises(UserError, match="no images"):
        fit(faces.select(np.zeros(len(faces), bool)), config())
    with pytest.raises(UserError, match="no training image shows surprise"):
        fit(faces.select(faces.emotion != 2), config())
    with pytest.raises(UserError, match="CUDA devices"):
        fit(faces, config(), device="cuda:99")


def test_progress_bar_tells_loss_accuracy_and_images_per_second(faces, capfd):
    fit(faces, config(steps=10))
    shown = capfd.readouterr().err
    assert "loss=" in shown and "accuracy=" in shown and "image/s" in shown


def loop(faces, run):
    """The training, stopped before its first step, and a generator that draws what its batches will draw."""
    made, twin = Loop(faces, run, torch.device("cpu"), "float32", False), torch.Generator()
    twin.set_state(made.state.generators["batches"].get_state())
    return made, twin


def test_a_batch_is_drawn_and_augmented_as_the_recipe_says(faces):
    run = config(augment=True)
    made, twin = loop(faces, run)
    chosen = torch.randint(len(faces), (run.batch_size,), generator=twin)
    pictures = torch.tensor(faces.images)[chosen]
    x, y = made.batch()
    assert torch.equal(x, run.training_batch(pictures, twin))
    assert torch.equal(y, torch.tensor(faces.emotion)[chosen].long())
    assert not torch.allclose(x, run.prepare(pictures), atol=0.01)  # turned, shifted, scaled
    plain, twin = loop(faces, config())
    chosen = torch.randint(len(faces), (run.batch_size,), generator=twin)
    assert torch.equal(plain.batch()[0], run.prepare(torch.tensor(faces.images)[chosen]))


def test_a_step_takes_the_cross_entropy_at_the_scheduled_rate(faces):
    run = config(warmup=3, steps=8)
    made, twin = loop(faces, run)
    chosen = torch.randint(len(faces), (run.batch_size,), generator=twin)
    with torch.no_grad():
        logits = made.state.model(run.prepare(torch.tensor(faces.images)[chosen]))
    loss, right = made.step()
    target = torch.tensor(faces.emotion)[chosen].long()
    assert loss.item() == pytest.approx(F.cross_entropy(logits, target).item(), rel=1e-5)
    assert right.item() == (logits.argmax(1) == target).float().mean().item()
    rates = [made.state.optimizer.param_groups[0]["lr"]]
    for _ in range(7):
        made.step()
        rates.append(made.state.optimizer.param_groups[0]["lr"])
    assert rates == [run.rate(step) for step in range(8)] and len(set(rates)) > 4

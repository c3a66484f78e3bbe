import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_lib.evaluation import predict
from fer_lib.training import TrainConfig

PEAK = """
import numpy as np
from fer_lib.data.dataset import FaceDataset, unknown_aus
from fer_lib.evaluation import predict
from fer_lib.training import TrainConfig
blank = dict(subject=np.full(1308, ""), sequence=np.full(1308, ""), frame=np.zeros(1308), folds=np.ones((1308, 1)))
images = np.random.default_rng(0).integers(0, 256, (1308, 1, 96, 96), dtype=np.uint8)
faces = FaceDataset("noise", images, np.zeros(1308), ("a", "b"), **blank, **unknown_aus(1308))
# batches follow one another: memory does not grow with their number, so the first few stand for all
predict(TrainConfig().model(2), TrainConfig(), faces.select(np.arange(128)), "cpu")
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


# getrusage would count the process that started this one: the peak it reports outlives exec
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak where Linux keeps it")
def test_inference_stays_under_a_gigabyte():
    result = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 1_000_000  # KiB


def test_probabilities_do_not_depend_on_the_batch(tiny_faces):
    config, faces = TrainConfig.make(preset="quick", size=16), tiny_faces()
    model = config.model(4)
    whole, parts = predict(model, config, faces), predict(model, config, faces, batch=7)
    assert whole.shape == (len(faces), 4) and whole.dtype == np.float32
    assert whole.sum(1) == pytest.approx(np.ones(len(faces)))
    assert np.allclose(whole, parts, atol=1e-5)


def test_the_network_is_left_as_it_was(tiny_faces):
    config = TrainConfig.make(preset="quick", size=16)
    model = config.model(4).train()
    layout = {name: (tensor.stride(), tensor.device) for name, tensor in model.state_dict().items()}
    first = predict(model, config, tiny_faces())
    assert model.training and all(module.training for module in model.modules())
    assert {name: (tensor.stride(), tensor.device) for name, tensor in model.state_dict().items()} == layout
    assert np.array_equal(first, predict(model.eval(), config, tiny_faces()))  # no dropout in either

"""Networks by name, and untrained ones."""

import torch

from fer_lib.interpret.folder import fingerprint
from fer_lib.interpret.network import Network, open_network, untrained
from fer_lib.model import load_pretrained
from fer_lib.preprocess import prepare
from fer_lib.training import TrainConfig, fit


def test_shipped_weights_are_opened_by_their_name():
    opened, (model, card) = open_network("synthetic-48"), load_pretrained("synthetic-48")
    assert (opened.name, opened.sha256) == ("synthetic-48", card["weights_sha256"])
    assert opened.network.emotions == tuple(card["emotions"])
    assert fingerprint(opened.network.model) == fingerprint(model)
    ready = opened.network.prepare(torch.ones(1, 1, 48, 48))
    assert torch.equal(ready, prepare(torch.ones(1, 1, 48, 48), card["recipe"]))


def test_a_run_is_opened_at_a_checkpoint(tiny_faces, tmp_path):
    config = TrainConfig.make(size=16, variant="plain", steps=2, checkpoint_every=1, batch_size=8)
    fit(tiny_faces(), config, tmp_path / "run", device="cpu", progress=False)
    first, second, last = (open_network(str(tmp_path / "run"), step) for step in (1, 2, None))
    assert first.name == "run" and first.network.emotions == tiny_faces().emotions
    assert first.sha256 != second.sha256 == last.sha256 == fingerprint(last.network.model)


def test_an_untrained_network_has_the_others_architecture(small_network):
    like = Network(small_network, prepare, ("happy",) * 4)
    one, again, two = (untrained(like, seed) for seed in (1, 1, 2))
    shapes = [[weight.shape for weight in each.state_dict().values()] for each in (one.model, small_network)]
    assert shapes[0] == shapes[1] and one.prepare is prepare and one.emotions == ()
    assert fingerprint(one.model) == fingerprint(again.model) != fingerprint(two.model)

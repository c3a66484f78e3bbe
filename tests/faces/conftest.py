import pytest
import torch

from fer_lib.faces import au_tensor, render, sample_identities


@pytest.fixture(scope="session")
def people():
    return sample_identities(4, seed=3)


@pytest.fixture(scope="session")
def neutral(people):
    with torch.no_grad():
        return render(people, au_tensor([{}] * 4), outputs=("labels", "depth", "landmarks"))

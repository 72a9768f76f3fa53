"""SCU-Net against the paper's count, the layer table and the authors' weights."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from bactools.networks import NETWORKS, build
from bactools.networks.checkpoint import load
from bactools.networks.scunet import SCUNet
from bactools.networks.weights import Weights
from tests.networks.reference import read_state, scunet


def test_has_the_papers_parameters_and_uses_them_all() -> None:
    network = SCUNet()
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    parameters = list(network.parameters())
    assert sum(p.numel() for p in parameters) == 169_711
    assert all(p.grad is not None for p in parameters)


def test_layers_are_those_of_the_table(shared: Path) -> None:
    with (shared / "networks" / "layers" / "SCU-Net.tsv").open() as file:
        table = {line[0]: line for line in csv.reader(file, delimiter="\t")}
    shapes: dict[str, tuple[int, ...]] = {}
    network = SCUNet().eval()
    for name, module in network.named_modules():

        def note(_module: object, _inputs: object, output: torch.Tensor, name: str = name) -> None:
            shapes[name] = tuple(output.shape[1:])

        module.register_forward_hook(note)
    with torch.no_grad():
        network(torch.zeros(1, 3, 512, 512))
    convolutions = [name for name, line in table.items() if line[1] == "Conv2d"]
    assert len(convolutions) == 16
    for name in convolutions:
        assert str(shapes[name]) == table[name][3], name
        assert sum(p.numel() for p in network.get_submodule(name).parameters()) == int(table[name][-1])


def test_equals_the_float64_reference(published: Weights) -> None:
    image = torch.randn(1, 3, 256, 320, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = scunet(read_state(published.path), image)
        double = load(published, dtype=torch.float64)(image)
        single = load(published)(image.float())
    assert (double - expected).abs().max() < 1e-12
    assert (single - expected).abs().max() < 1e-4


def test_batch_equals_its_members(published: Weights) -> None:
    network = load(published)
    batch = torch.randn(3, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        together = network(batch)
        apart = torch.cat([network(batch[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_answer_in_the_size_they_were_asked(name: str) -> None:
    with torch.no_grad():
        assert build(name).eval()(torch.zeros(1, 3, 96, 128)).shape == (1, 1, 96, 128)


def test_unknown_network_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="no network named 'unet9'; networks: .*scunet"):
        build("unet9")

"""Muon: orthogonal updates of every shape, that lead downhill."""

import pytest
import torch
from torch import nn

from auditdm_hub.playground.build.muon import Muon, orthogonalise

SHAPES = [(6, 6), (4, 10), (10, 4), (1, 8), (8, 1)]
every_shape = pytest.mark.parametrize("shape", SHAPES)


def random_matrix(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def spread(shape: tuple[int, int]) -> torch.Tensor:
    """A matrix whose singular values run from 1 to 0.1."""
    left, _, right = torch.linalg.svd(random_matrix(shape), full_matrices=False)
    return left * torch.linspace(1, 0.1, left.shape[1]) @ right


@pytest.mark.parametrize("shape", [(6, 6), (4, 10), (1, 8), (16, 40)])
def test_singular_values_become_one(shape: tuple[int, int]) -> None:
    values = torch.linalg.svdvals(orthogonalise(spread(shape)[None])[0])
    assert values.min() > 0.6
    assert values.max() < 1.3


@pytest.mark.parametrize("shape", [(6, 6), (4, 10), (16, 40)])
def test_singular_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = spread(shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.mT @ orthogonalise(matrix[None])[0] @ right.mT
    assert torch.allclose(turned, torch.diag(turned.diagonal()), atol=1e-4)
    assert turned.diagonal().min() > 0.6


def test_matrices_are_orthogonalised_each_for_itself_whatever_their_scale() -> None:
    one, two = spread((4, 10)), random_matrix((4, 10), 1)
    both = orthogonalise(torch.stack([one, 1000 * two]))
    torch.testing.assert_close(both[0], orthogonalise(one[None])[0])
    torch.testing.assert_close(both[1], orthogonalise(two[None])[0], rtol=1e-3, atol=1e-4)
    assert torch.equal(orthogonalise(torch.zeros(1, 4, 10)), torch.zeros(1, 4, 10))


@every_shape
def test_steps_lead_to_the_bottom_of_a_bowl(shape: tuple[int, int]) -> None:
    goal, weight = random_matrix(shape, 2), nn.Parameter(random_matrix(shape, 3))
    optimiser = Muon([weight], lr=0.2, momentum=0.5, weight_decay=0.0)
    losses = []
    for _ in range(120):
        optimiser.zero_grad()
        loss = (weight - goal).square().sum()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[1] < losses[0]
    assert losses[-1] < 0.05 * losses[0]


@every_shape
def test_the_first_step_has_the_size_of_adams(shape: tuple[int, int]) -> None:
    weight = nn.Parameter(torch.zeros(shape))
    weight.grad = spread(shape)
    Muon([weight], lr=0.1, weight_decay=0.0).step()
    # Singular values that are 0.7 to 1.2 make a root mean square of 0.7 to 1.2 times 0.2.
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.1 * 0.2, rel=0.32)
    assert float((weight.detach() * weight.grad).sum()) < 0


def test_a_tall_matrix_is_updated_as_its_transpose_is() -> None:
    wide, tall = nn.Parameter(random_matrix((4, 10))), nn.Parameter(random_matrix((4, 10)).mT.clone())
    wide.grad, tall.grad = spread((4, 10)), spread((4, 10)).mT.clone()
    Muon([wide, tall], lr=0.1).step()
    torch.testing.assert_close(tall.detach().mT, wide.detach())


def test_weights_decay_and_those_without_a_gradient_stay() -> None:
    moved, still = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3, 3))
    moved.grad = torch.zeros(3, 3)
    Muon([moved, still], lr=0.5, weight_decay=0.1).step()
    torch.testing.assert_close(moved.detach(), torch.full((3, 3), 0.95))
    assert torch.equal(still.detach(), torch.ones(3, 3))


def test_like_matrices_are_updated_as_if_each_were_alone() -> None:
    gradients = [random_matrix((4, 6), seed) for seed in range(3)]
    together = [nn.Parameter(random_matrix((4, 6), 9)) for _ in gradients]
    alone = [nn.Parameter(random_matrix((4, 6), 9)) for _ in gradients]
    for weights, optimisers in ((together, [Muon(together, lr=0.1)]), (alone, [Muon([w], lr=0.1) for w in alone])):
        for turn in range(3):
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient * (1 + turn)
            for optimiser in optimisers:
                optimiser.step()
    for one, two in zip(together, alone, strict=True):
        torch.testing.assert_close(one, two)

"""Muon: momentum whose matrices are orthogonalised before they are applied (https://kellerjordan.github.io/posts/muon).

`torch.optim.Muon` works matrix by matrix in bfloat16, which a CPU without such instructions does fourteen times more
slowly than this: all matrices of one shape at a time, in single precision. The update is the same: Nesterov momentum,
five Newton-Schulz steps, scaled to the root mean square of AdamW's updates (arXiv 2502.16982), decoupled weight decay.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5


def orthogonalise(matrices: torch.Tensor) -> torch.Tensor:
    """Return matrices whose singular values are all near 1, with the same singular vectors."""  # (N, A, B), A <= B
    a, b, c = COEFFICIENTS
    held: torch.Tensor = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(STEPS):
        square = held @ held.mT  # (N, A, A)
        held = torch.baddbmm(held, torch.baddbmm(square, square, square, beta=b, alpha=c), held, beta=a)
    return held


class Muon(torch.optim.Optimizer):
    """Muon for the matrices inside a model; embeddings, norms and biases are for AdamW."""

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ANN401 - takes none
        """Update all parameters that have a gradient."""
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[torch.nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    shapes[tuple(weight.shape)].append(weight)
            for shape, weights in shapes.items():
                self._update(weights, shape, group["lr"], group["momentum"], group["weight_decay"])

    def _update(
        self, weights: list[torch.nn.Parameter], shape: tuple[int, ...], rate: float, momentum: float, decay: float
    ) -> None:
        gradients = torch.stack([weight.grad for weight in weights if weight.grad is not None])  # (N, A, B)
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        means = [self.state[weight]["momentum"] for weight in weights]
        for mean, gradient in zip(means, gradients, strict=True):
            mean.lerp_(gradient, 1 - momentum)
        ahead = gradients.lerp(torch.stack(means), momentum)
        tall = shape[0] > shape[1]
        update = orthogonalise(ahead.mT if tall else ahead)
        update = update.mT if tall else update
        for weight, change in zip(weights, update, strict=True):
            weight.mul_(1 - rate * decay).add_(change, alpha=-rate * 0.2 * max(shape) ** 0.5)

"""What the lessons on few passes and the finish have in common: a critic that both sides feel.

The critic sees a drawing and what was painted of it side by side and learns which is which
(relativistic pairs, arXiv 1807.00734). How hard it may push is set beside the push of the lesson's
own error in every step (as in VQGAN, arXiv 2012.09841), so that neither drowns the other; and a
critic that cannot tell them apart has nothing to say. Without the latter, the first one that was
fooled pushed on with what was left of its opinion, made large, and never recovered.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

STAGES = (24, 48, 64)  # Channels of a critic of pictures; each stage halves them.
REACH, GAIN = 5, 4.0  # Pixels of the blur that it does not look at, and how much it enlarges.
LISTENS, SPEAKS = 0.1, 0.2  # Of a lesson: from when on its critic learns, and pushes.


def judged(true: torch.Tensor, false: torch.Tensor) -> torch.Tensor:
    """How badly a critic tells drawings from what was painted: the critic's own error."""
    return F.softplus(false.float() - true.float()).mean()


def felt(
    true: torch.Tensor, false: torch.Tensor, painted: torch.Tensor, error: torch.Tensor
) -> torch.Tensor:
    """How well it tells them, as the painter feels it: as the painter's own error, when it is sure.

    Args:
        true: The critic's answers to drawings.
        false: Its answers to what was painted, from a critic that does not learn from them.
        painted: What was painted; its gradients are compared.
        error: Of the painter.
    """
    scorn = F.softplus(true.float() - false.float()).mean()
    sure = 1.0 - judged(true, false).detach() / math.log(2.0)
    ours, theirs = (torch.autograd.grad(x, painted, retain_graph=True)[0] for x in (error, scorn))
    weight: torch.Tensor = sure.clamp(min=0.0) * ours.norm() / theirs.norm().clamp(min=1e-8)
    return weight.detach() * scorn


def unmoved(critic: nn.Module, *seen: Any) -> Any:
    """A critic's answers, while it does not learn."""
    fixed = {name: value.detach() for name, value in critic.named_parameters()}
    return functional_call(critic, fixed, seen)


def steepness(critic: nn.Module, drawn: torch.Tensor) -> torch.Tensor:
    """How fast a critic's opinion of drawings changes: a steep one is easily dazzled.

    The squared gradient of each of its answers to drawings (R1, arXiv 1801.04406).
    """
    seen = drawn.detach().requires_grad_()
    opinions = critic(seen).float()
    slope = torch.autograd.grad(opinions.sum(), seen, create_graph=True)[0]
    steep: torch.Tensor = slope.square().sum() / opinions.numel()
    return steep


class Fine(nn.Module):
    """What is finer than a few pixels, and nothing of colour and light.

    A critic that sees all of a picture argues about its light, which changes from one to the next,
    and is hardly ever sure; one that sees this knows drawings from a blur after a hundred steps.
    """

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures, shape (n, 3, height, width), less their blur, about as wide as they were."""
        blur = F.avg_pool2d(pictures, REACH, 1, REACH // 2, count_include_pad=False)
        return GAIN * (pictures - blur)


def fresh_critic() -> nn.Module:
    """A critic of pictures that knows nothing: one answer for every eighth pixel."""
    layers: list[nn.Module] = [Fine()]
    for before, after in pairwise((3, *STAGES)):
        layers += [spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
    # The last layer may speak as loudly as it likes, or it could never be sure.
    return nn.Sequential(*layers, nn.Conv2d(STAGES[-1], 1, 3, 1, 1))

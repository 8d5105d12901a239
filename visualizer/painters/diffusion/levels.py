"""Strength to noise, for models whose signal and noise keep the variance (alpha² + sigma² = 1).

Stock pipelines turn strength into a number of steps and round it: two steps at 0.4 are no step at
all. Here strength is continuous. It is defined by the ratio of noise to signal,
strength = sigma / (alpha + sigma), and the model is told the time, fractions included, at which
it met that ratio in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True)
class NoiseLevel:
    """How noisy each picture of a batch is.

    Attributes:
        alpha: Shape (batch, 1, 1, 1), what is left of the picture.
        sigma: Shape (batch, 1, 1, 1), the noise in it.
        time: Shape (batch,), the model's own clock, fractions included.
    """

    alpha: torch.Tensor
    sigma: torch.Tensor
    time: torch.Tensor


class NoiseLevels:
    """The noise levels that a model was trained on, read between its discrete times."""

    def __init__(self, alphas_cumprod: torch.Tensor) -> None:
        """Takes the training schedule: shape (times,), alpha squared, falling."""
        kept = alphas_cumprod.detach().cpu().double().clamp(1e-7, 1.0 - 1e-7).numpy()
        self._log_snr: NDArray[np.float64] = np.log(kept) - np.log1p(-kept)
        self._times = np.arange(kept.size, dtype=np.float64)

    def descent(self, strength: torch.Tensor, steps: int, device: torch.device) -> list[NoiseLevel]:
        """The levels to denoise at: from `strength` down, evenly spaced in the model's time.

        Args:
            strength: Shape (batch,), in [0, 1]; beyond the noisiest level of training it is that
                level, since the model knows no other.
            steps: At least 1.
            device: Where the levels are wanted.
        """
        share = np.clip(strength.double().numpy(), 1e-6, 1.0 - 1e-6)
        log_snr = np.maximum(2.0 * np.log((1.0 - share) / share), self._log_snr[-1])
        time = self._time(log_snr)
        later = [time * (steps - done) / steps for done in range(1, steps)]
        return [
            _level(log_snr, time, device),
            *(_level(np.interp(t, self._times, self._log_snr), t, device) for t in later),
        ]

    def _time(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(log_snr, self._log_snr[::-1], self._times[::-1])


def _level(
    log_snr: NDArray[np.float64], time: NDArray[np.float64], device: torch.device
) -> NoiseLevel:
    kept = 1.0 / (1.0 + np.exp(-log_snr))
    alpha, sigma, clock = (
        torch.from_numpy(values.astype(np.float32)).to(device)
        for values in (np.sqrt(kept), np.sqrt(1.0 - kept), time)
    )
    return NoiseLevel(alpha[:, None, None, None], sigma[:, None, None, None], clock)

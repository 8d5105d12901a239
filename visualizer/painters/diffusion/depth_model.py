"""Nearness from a depth model of transformers, such as Depth-Anything-V2-Small."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from visualizer.errors import VisualizerError
from visualizer.painters.diffusion.depth import Depth, Guess, spread
from visualizer.painters.diffusion.folder import (
    find_folder,
    fingerprint,
    open_pretrained,
    read_json,
)
from visualizer.painters.diffusion.registry import check_licence

EXAMPLE = "depth-anything/Depth-Anything-V2-Small-hf"
_KNOWN = ("DepthAnythingForDepthEstimation", "DPTForDepthEstimation")


def load_depth(depth: str, device: torch.device, accepted: bool = False) -> Depth | None:
    """What `--depth` asks for.

    Args:
        depth: "guess", "off", or the folder or hub id of a depth model.
        device: Where to compute.
        accepted: Whether it may have a licence that limits commercial use.

    Raises:
        VisualizerError: There is no such model, or it cannot be loaded or used.
    """
    if depth == "off":
        return None
    return Guess() if depth == "guess" else DepthModel.load(depth, device, accepted)


class DepthModel:
    """A network that has learned depth from many pictures."""

    trust = 1.0

    def __init__(self, network: Any, reading: dict[str, Any], name: str) -> None:
        """Takes a loaded network.

        Args:
            network: Of transformers, on its device.
            reading: How it wants to be shown pictures: its preprocessor_config.json.
            name: See `Depth.name`.
        """
        self._network = network
        self._mean, self._deviation = (
            torch.tensor(reading.get(key, usual), device=network.device)[:, None, None]
            for key, usual in (
                ("image_mean", [0.485, 0.456, 0.406]),
                ("image_std", [0.229, 0.224, 0.225]),
            )
        )
        size = reading.get("size", {})
        self._side = int(size.get("height", size.get("shortest_edge", 518)))
        self._multiple = int(reading.get("ensure_multiple_of") or 14)
        self.name = name

    @classmethod
    def load(cls, model: str, device: torch.device, accepted: bool = False) -> DepthModel:
        """Loads a model from a folder or from the hub; safetensors only, and none of its code.

        Raises:
            VisualizerError: One line for each way in which this fails.
        """
        folder = find_folder(model, _download, partial(check_licence, model, accepted))
        config = read_json(folder / "config.json", "no depth model")
        kind = next(iter(config.get("architectures") or ()), None)
        if kind not in _KNOWN or "auto_map" in config:
            raise VisualizerError(
                f"--depth {model}: is {kind or 'no model'}, and known are {', '.join(_KNOWN)};"
                f" take one such as {EXAMPLE}"
            )
        import transformers

        loader = getattr(transformers, kind).from_pretrained
        network = open_pretrained(folder, loader, dtype=torch.float32).to(device).eval()
        settings = folder / "preprocessor_config.json"
        reading = read_json(settings, "no depth model") if settings.exists() else {}
        return cls(network, reading, fingerprint(folder))

    @torch.no_grad()
    def nearness(self, picture: torch.Tensor) -> torch.Tensor:
        """See `Depth.nearness`."""
        seen = F.interpolate(picture[None], self._size(picture), mode="bicubic", antialias=True)
        answer = self._network((seen[0] - self._mean)[None] / self._deviation).predicted_depth
        if getattr(self._network.config, "depth_estimation_type", "relative") == "metric":
            answer = 1.0 / answer.clamp_min(1e-3)
        return F.interpolate(spread(answer)[:, None], picture.shape[-2:], mode="bilinear")[0, 0]

    def _size(self, picture: torch.Tensor) -> tuple[int, int]:
        """The size it was trained on along the shorter side, in multiples of its patch."""
        height, width = picture.shape[-2:]
        scale = self._side / min(height, width) / self._multiple
        rows, columns = (max(1, round(side * scale)) * self._multiple for side in (height, width))
        return rows, columns


def _download(model: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    files = ["config.json", "preprocessor_config.json", "model.safetensors"]
    return Path(snapshot_download(model, allow_patterns=files, local_files_only=offline))

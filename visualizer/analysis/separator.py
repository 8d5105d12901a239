"""Demucs, which takes sound apart; an optional extra, `visualizer[stems]`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import VisualizerError, first_line
from visualizer.hub import FREE_LICENCES, find_model

SHORT_NAMES = {"htdemucs": "adefossez/HTDemucs"}
# What weights may name as the class that they fill; anything else is code from a stranger.
CLASSES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
OVERLAP = 0.25  # Of the pieces that Demucs hears one by one.

Progress = Callable[[float], None]
"""Is told the share that is done, in [0, 1]."""


@dataclass(frozen=True)
class Separator:
    """A model that takes sound apart.

    Attributes:
        model: A bag of models of Demucs.
        name: Tells it from others by its weights.
        rate: Hz of the sound that it takes.
        sources: What it finds, in its own words.
    """

    model: Any
    name: str
    rate: int
    sources: tuple[str, ...]

    def apart(self, sound: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
        """Takes sound apart.

        Args:
            sound: Shape (n, 2).
            progress: Called with the share that is done, in [0, 1].

        Returns:
            Shape (sources, n, 2).
        """
        import torch
        from demucs.apply import apply_model

        def tell(news: dict[str, Any]) -> None:
            if news["state"] == "end":
                done = min(1.0, news["segment_offset"] / max(1, len(sound)))
                progress((news["model_idx_in_bag"] + done) / news["models"])

        device = "cuda" if torch.cuda.is_available() else "cpu"
        mix = torch.from_numpy(np.ascontiguousarray(sound.T))[None]
        # Without random shifts: the same song is always heard in the same way.
        found = apply_model(
            self.model, mix, shifts=0, overlap=OVERLAP, device=device, callback=tell
        )
        stems: NDArray[np.float32] = found[0].transpose(1, 2).float().cpu().numpy()
        return stems


def load_separator(model: str) -> Separator:
    """Reads a model of Demucs, safetensors only, and runs no code that comes with it.

    Args:
        model: "htdemucs", a hub id, or a folder with NAME.yaml and the .safetensors it names.

    Raises:
        VisualizerError: Demucs is not installed, or the model is missing, damaged or not free.
    """
    if find_spec("demucs") is None:
        raise VisualizerError(
            f"--separate {model}: needs Demucs; install it: pip install 'visualizer[stems]'"
        )
    from demucs.apply import BagOfModels

    hub_id = SHORT_NAMES.get(model, model)
    folder = find_model(hub_id, "a model of Demucs", _download, lambda word: _permit(hub_id, word))
    bag = _read_bag(folder)
    try:
        models = [_load(folder / f"{signature}.safetensors") for signature in bag["models"]]
        whole = BagOfModels(models, bag.get("weights"), bag.get("segment")).eval()
        sources = tuple(str(source) for source in whole.sources)
        if whole.audio_channels != 2:
            raise ValueError(f"it takes {whole.audio_channels} channels, not 2")
    # Damaged weights raise whatever the library that trips over them raises.
    except Exception as error:
        raise VisualizerError(f"{folder}: cannot be loaded: {first_line(error)}") from error
    return Separator(whole, _fingerprint(folder), int(whole.samplerate), sources)


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.safetensors")]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _download(model: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    files = ["*.yaml", "*.safetensors"]
    return Path(snapshot_download(model, allow_patterns=files, local_files_only=offline))


def _permit(model: str, licence: str) -> None:
    if licence.lower() not in FREE_LICENCES:
        raise VisualizerError(
            f"{model}: its licence ({licence}) may limit commercial use; if it suits you, fetch it"
            f" from https://huggingface.co/{model} and give its folder"
        )


def _read_bag(folder: Path) -> dict[str, Any]:
    """What the folder's YAML file says: which models, and how they are mixed."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    found = sorted(folder.glob("*.yaml"))
    if len(found) != 1:
        raise VisualizerError(
            f"{folder}: no model of Demucs; it should hold one NAME.yaml (found {len(found)})"
        )
    try:
        bag = YAML(typ="safe", pure=True).load(found[0].read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        bag = None
    signatures = bag.get("models") if isinstance(bag, dict) else None
    plain = isinstance(signatures, list) and all(
        isinstance(signature, str) and re.fullmatch(r"[\w-]+", signature)
        for signature in signatures
    )
    if not signatures or not plain:
        raise VisualizerError(f"{found[0]}: names no models; fetch it again")
    return dict(bag)


def _load(path: Path) -> Any:
    """One model, after a look at what its file asks for.

    Raises:
        ValueError: It is missing, or asks for something else than a model of Demucs.
    """
    from demucs.hf import load_safetensors_model
    from safetensors import safe_open

    if not path.is_file():
        raise ValueError(f"{path.name}: no such file; fetch the model again")
    with safe_open(str(path), framework="pt") as file:
        told = file.metadata() or {}
    wanted = told.get("klass", "")
    if wanted not in CLASSES or "structure" in told:
        raise ValueError(
            f"{path.name} asks for code that Demucs does not have ({wanted or 'no class'});"
            " such models are not run"
        )
    return load_safetensors_model(path)

"""LoRA: small weights that change a model's style, melted into it when it is loaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from visualizer.errors import VisualizerError
from visualizer.painters.diffusion.folder import find_folder


def add_lora(pipe: Any, lora: str) -> None:
    """Melts a LoRA into a loaded pipeline.

    Args:
        pipe: A pipeline of diffusers.
        lora: A .safetensors file, a folder with one, or a hub id; then, if wanted, a colon and its
            weight: "style.safetensors:0.8".

    Raises:
        VisualizerError: There is no such LoRA, it does not suit the model, or peft is missing.
    """
    name, weight = _split(lora)
    file = _file(name)
    if find_spec("peft") is None:
        raise VisualizerError("--lora: needs the package peft; install it with: pip install peft")
    try:
        pipe.load_lora_weights(
            str(file.parent), weight_name=file.name, use_safetensors=True, local_files_only=True
        )
        pipe.fuse_lora(lora_scale=weight)
        pipe.unload_lora_weights()
    # What a LoRA for another model raises depends on which of its weights is tried first.
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise VisualizerError(f"--lora {name}: does not suit this model: {reason}") from error


def lora_identity(lora: str) -> str:
    """Names a LoRA's weights and how much of them is taken."""
    name, weight = _split(lora)
    file = _file(name)
    return f"{file.name} {file.stat().st_size} {weight:g}"


def _split(lora: str) -> tuple[str, float]:
    name, colon, weight = lora.rpartition(":")
    # A colon may also be a drive's, as in C:\\styles.
    if not colon or weight.startswith(("\\", "/")):
        return lora, 1.0
    try:
        value = float(weight)
    except ValueError:
        value = float("nan")
    if not -4.0 <= value <= 4.0:
        raise VisualizerError(f"--lora {lora}: the weight after the colon should be -4 to 4")
    return name, value


def _file(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_file() and path.suffix != ".safetensors":
        raise VisualizerError(f"--lora {name}: only .safetensors files are read")
    if path.is_file():
        return path
    folder = find_folder(name, _download)
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        what = ", ".join(file.name for file in found) or "none"
        raise VisualizerError(f"--lora {name}: should hold one .safetensors file (found {what})")
    return found[0]


def _download(model: str, offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(model, allow_patterns=["*.safetensors"], local_files_only=offline)
    )

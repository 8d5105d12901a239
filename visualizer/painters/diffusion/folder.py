"""A model's folder: found or fetched, and looked through before anything in it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from visualizer.errors import VisualizerError, first_line
from visualizer.hub import Download, Permit, find_model
from visualizer.painters import PULSE

# The only libraries whose classes a pipeline may name; anything else is code from a stranger.
_LIBRARIES = ("diffusers", "transformers")
_SAMPLE = 1 << 20
PULSE_FOLDER = Path(__file__).parents[2] / "pulse" / "model"


def find_folder(model: str, download: Download, permit: Permit | None = None) -> Path:
    """The folder of a model: the one given, or the hub's, fetched once into the hub's cache.

    Args:
        model: A folder, a hub id such as "stabilityai/sd-turbo", or "pulse".
        download: Fetches a hub model; see `visualizer.hub`.
        permit: Raises where a hub model's licence does not suit the user.

    Raises:
        VisualizerError: When there is no such folder or model, or the hub cannot be reached.
    """
    if model == PULSE:
        return PULSE_FOLDER
    kind, instead = "a diffusers pipeline", ", or take --model pulse"
    return find_model(model, kind, download, permit, instead)


def pipeline_class(folder: Path) -> str:
    """The class that a pipeline folder says it is, after checking that it holds no code.

    Raises:
        VisualizerError: When it is no pipeline folder, or asks for code of its own.
    """
    index = read_json(folder / "model_index.json", "no diffusers pipeline")
    name = index.get("_class_name")
    parts = {k: v for k, v in index.items() if not k.startswith("_") and isinstance(v, list)}
    foreign = [k for k, v in parts.items() if v and v[0] is not None and v[0] not in _LIBRARIES]
    if not isinstance(name, str) or foreign:
        where = ", ".join(foreign) or "_class_name"
        raise VisualizerError(
            f"{folder}/model_index.json: {where} asks for code that diffusers does not have;"
            " such models are not run"
        )
    return name


def fingerprint(folder: Path) -> str:
    """A short hash of a model's weights and settings, without reading gigabytes.

    Of each large file, its size, its first and its last megabyte count.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".json") and path.is_file():
            size = path.stat().st_size
            digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
            with path.open("rb") as file:
                digest.update(file.read(_SAMPLE))
                file.seek(max(0, size - _SAMPLE))
                digest.update(file.read())
    return digest.hexdigest()[:12]


def read_json(path: Path, problem: str) -> dict[str, Any]:
    """Reads a JSON object; `problem` says what its folder is when there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError:
        raise VisualizerError(f"{path.parent}: {problem}; it has no {path.name}") from None
    except ValueError:
        raise VisualizerError(f"{path}: damaged, not JSON; fetch the model again") from None
    if not isinstance(content, dict):
        raise VisualizerError(f"{path}: {problem}; the file holds no settings")
    return content


def open_pretrained(folder: Path, from_pretrained: Callable[..., Any], **settings: Any) -> Any:
    """Loads a folder with the loader of its class; safetensors only, nothing fetched.

    Raises:
        VisualizerError: It is damaged or incomplete.
    """
    try:
        return from_pretrained(str(folder), use_safetensors=True, local_files_only=True, **settings)
    except MemoryError:
        raise
    # Damaged and incomplete folders raise whatever the library that trips over them raises.
    except Exception as error:
        raise VisualizerError(f"{folder}: cannot be loaded: {first_line(error)}") from error

"""The Hugging Face hub: fetched from once, then never needed again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from visualizer.errors import VisualizerError, first_line

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

Permit = Callable[[str], None]
"""Raises where a licence does not suit the user."""

Download = Callable[[str, bool], Path]
"""Fetches a hub id into the hub's cache, or finds it there when the flag (offline) is set."""

# As the hub's model cards write them; OpenRAIL forbids harmful uses, not commercial ones.
FREE_LICENCES = (
    "apache-2.0",
    "bigscience-openrail-m",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc0-1.0",
    "creativeml-openrail-m",
    "mit",
    "openrail",
    "openrail++",
)

_BROKEN_OFF = "the download broke off; run again to go on"
_UNREACHABLE = (
    "no such folder, and huggingface.co cannot be reached;"
    " go online once to fetch the model, or give a folder"
)


def find_model(
    model: str, kind: str, download: Download, permit: Permit | None = None, instead: str = ""
) -> Path:
    """The folder of a model: the one given, or the hub's, fetched once into the hub's cache.

    Args:
        model: A folder, or a hub id such as "stabilityai/sd-turbo".
        kind: What the folder holds, such as "a diffusers pipeline".
        download: Fetches a hub model.
        permit: Raises where the licence that the hub names for it does not suit the user.
        instead: What else can be done where the hub cannot be reached, such as ", or ...".

    Raises:
        VisualizerError: There is no such folder or model, or the hub cannot be reached.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise VisualizerError(f"{model}: is a file; give the folder of {kind}, or a hub id")
    if model.startswith((".", "/", "~")) or "\\" in model or model.count("/") != 1:
        raise VisualizerError(f"{model}: no such folder; give one, or a hub id such as owner/name")
    return _fetch(model, download, permit, instead)


def _fetch(model: str, download: Download, permit: Permit | None, instead: str) -> Path:
    """Fetches a model, or falls back to what was fetched before when the hub cannot be reached."""
    from huggingface_hub import errors

    info = _look_up(model)
    online = info is not None
    if info is not None and permit is not None:
        permit(_licence(info))
    try:
        return download(model, not online)
    except errors.LocalEntryNotFoundError:
        raise VisualizerError(
            f"{model}: {_BROKEN_OFF if online else _UNREACHABLE + instead}"
        ) from None
    except errors.EntryNotFoundError as error:
        raise VisualizerError(
            f"{model}: no model that can be used; the repository lacks {_missing(error)}"
        ) from None
    except OSError as error:
        raise VisualizerError(f"{model}: cannot be fetched: {first_line(error)}") from error


def _look_up(model: str) -> ModelInfo | None:
    """What the hub says of a model, or None where it does not answer.

    Asked first, since it fails at once where a download tries again.
    """
    from huggingface_hub import errors, model_info

    page = f"https://huggingface.co/{model}"
    try:
        return model_info(model, timeout=10)
    except errors.GatedRepoError:
        raise VisualizerError(
            f"{model}: its licence must be accepted at {page} first, then: hf auth login"
        ) from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise VisualizerError(f"{model}: no such folder, and no such model at {page}") from None
    # What a dead connection raises depends on the hub's transport, which has changed twice.
    except Exception:
        return None


def _licence(info: ModelInfo) -> str:
    card = info.card_data
    return str((card.license_name or card.license or "none named") if card else "none named")


def _missing(error: Exception) -> str:
    """The file name at the end of the address the hub did not find."""
    return str(error).rstrip(".").rsplit("/", 1)[-1].split()[0]

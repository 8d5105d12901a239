"""The Hugging Face hub: fetched from once, then never needed again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from visualizer.errors import VisualizerError

Download = Callable[[str, bool], Path]
"""Fetches a hub id into the hub's cache, or finds it there when the flag (offline) is set."""


def fetch(model: str, download: Download) -> Path:
    """Fetches a model, or falls back to what was fetched before when the hub cannot be reached.

    Raises:
        VisualizerError: One line for each way in which this fails.
    """
    import httpx
    from huggingface_hub import errors, model_info

    page = f"https://huggingface.co/{model}"
    try:
        model_info(model, timeout=10)  # Fails at once and clearly where a download tries again.
        return download(model, False)
    except errors.GatedRepoError:
        raise VisualizerError(
            f"{model}: its licence must be accepted at {page} first, then: hf auth login"
        ) from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise VisualizerError(f"{model}: no such folder, and no such model at {page}") from None
    except (httpx.TransportError, errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError):
        return _cached(model, download)
    except errors.EntryNotFoundError:
        raise VisualizerError(
            f"{model}: no diffusers pipeline; the repository has no model_index.json"
        ) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise VisualizerError(f"{model}: the hub answered {status}; try again later") from None


def _cached(model: str, download: Download) -> Path:
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return download(model, True)
    except LocalEntryNotFoundError:
        raise VisualizerError(
            f"{model}: no such folder, and huggingface.co cannot be reached;"
            " go online once to fetch the model, or give a folder"
        ) from None

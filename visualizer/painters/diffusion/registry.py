"""Models known to work: their licences, their needs, and whether they suit this machine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from visualizer.errors import VisualizerError
from visualizer.hub import FREE_LICENCES
from visualizer.painters.diffusion.memory import Memory


@dataclass(frozen=True)
class KnownModel:
    """One entry of models.toml, where the fields are explained.

    Attributes:
        hub_id: Its id on the Hugging Face hub.
        family: Models that are run alike.
        licence: In a word.
        terms: Where it stands in full.
        commercial: Whether films made with it may earn money without asking anybody.
        memory: Gigabytes.
        size: Pixels along each side.
        steps: Denoiser calls for a frame, and for a picture from nothing.
        tiny: Hub id of a small autoencoder, or "".
        note: What else to know.
    """

    hub_id: str
    family: str
    licence: str
    terms: str
    commercial: bool
    memory: float
    size: int
    steps: tuple[int, int]
    tiny: str = ""
    note: str = ""

    @property
    def page(self) -> str:
        """Where it is found."""
        return f"https://huggingface.co/{self.hub_id}"


@lru_cache(maxsize=1)
def known_models() -> tuple[KnownModel, ...]:
    """The registry, in the order of the file: what to try first comes first."""
    text = Path(__file__).with_name("models.toml").read_text(encoding="utf-8")
    return tuple(
        KnownModel(hub_id, **{**entry, "steps": tuple(entry["steps"])})
        for hub_id, entry in tomllib.loads(text).items()
    )


def check_known(model: str, accepted: bool, memory: Memory) -> None:
    """Says before anything is fetched what stands against a model of the registry.

    Raises:
        VisualizerError: Its licence limits what may be done with films, and is not accepted; or
            it needs more memory than there is.
    """
    entry = _entry(model)
    if entry is None:
        return
    if not entry.commercial and not accepted:
        free = known_models()[0].hub_id
        raise VisualizerError(
            f"{_limited(model, entry.licence, 'limits')}, or take a free one such as {free}"
        )
    check_memory(model, entry.memory, memory)


def check_licence(model: str, accepted: bool, licence: str) -> None:
    """Asks for consent to a hub model outside the registry, unless its licence is known as free.

    Raises:
        VisualizerError: The licence is not known as free, and is not accepted.
    """
    if _entry(model) is None and not accepted and licence.lower() not in FREE_LICENCES:
        raise VisualizerError(_limited(model, licence, "may limit"))


def _entry(model: str) -> KnownModel | None:
    found = (entry for entry in known_models() if entry.hub_id.lower() == model.lower())
    return next(found, None)


def _limited(model: str, licence: str, how: str) -> str:
    return (
        f"{model}: its licence ({licence}) {how} commercial use;"
        f" read https://huggingface.co/{model} and add --accept-licence"
    )


def check_memory(model: str, needed: float, memory: Memory) -> None:
    """Refuses a model that needs more memory than there is, and names one that would fit.

    Raises:
        VisualizerError: It does not fit.
    """
    if memory.gigabytes is None or needed <= memory.gigabytes:
        return
    fitting = [e for e in known_models() if e.commercial and e.memory <= memory.gigabytes]
    largest = max(fitting, key=lambda entry: entry.memory, default=None)
    way_out = f"{largest.hub_id} would fit" if largest else "no known model would fit"
    raise VisualizerError(
        f"{model}: needs about {needed:.0f} GB of memory, and {memory.device} has"
        f" {memory.gigabytes:.0f}; {way_out}"
    )


def downloaded() -> frozenset[str]:
    """Hub ids of all models in the cache of huggingface_hub."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        return frozenset(repo.repo_id for repo in scan_cache_dir().repos)
    except CacheNotFound:
        return frozenset()

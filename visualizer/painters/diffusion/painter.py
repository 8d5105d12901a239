"""Diffusion behind `visualizer.painters.Painter`."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from visualizer.painters import Curves, ModelOptions, Painter
from visualizer.painters.diffusion.anchor import Pull
from visualizer.painters.diffusion.device import enough_memory
from visualizer.painters.diffusion.easel import Easel
from visualizer.painters.diffusion.feedback import feedback
from visualizer.painters.diffusion.keyframes import keyframes
from visualizer.painters.diffusion.model import Condition, FrameModel, aligned
from visualizer.painters.diffusion.restyle import restyle
from visualizer.painters.diffusion.walk import walk
from visualizer.painters.scenes import ScenesPainter
from visualizer.score import Look, Score, Shot

VERSION = 3  # Raised when the same score and model would paint another film.


class DiffusionPainter:
    """Paints with a model, in the mode that the shot asks for.

    Attributes:
        model: What paints.
        curves: What the watchdog saw; see `visualizer.painters.Watchful`.
    """

    def __init__(
        self,
        model: FrameModel,
        *,
        key: Painter | None = None,
        key_strength: float = 0.7,
        pull: Pull | None = None,
    ) -> None:
        """Takes a loaded model.

        Args:
            model: From `load`, or any other `FrameModel`.
            key: Paints the picture that a shot begins with where the user gave none; without a
                key painter it comes from the prompt alone.
            key_strength: How much of that picture the model paints anew, in [0, 1].
            pull: How strongly frames are held to the first of their shot.
        """
        self.model = model
        self._key = key
        self._key_strength = key_strength
        self._pull = pull or Pull()
        self._below = key or ScenesPainter(model.device)
        self.curves: Curves = {}
        self._embedded: dict[tuple[str, str], Condition] = {}

    @classmethod
    def load(
        cls,
        model: str,
        device: str | None = None,
        *,
        precision: str | None = None,
        options: ModelOptions | None = None,
    ) -> DiffusionPainter:
        """Loads a pipeline in the folder form of diffusers; see `loading.load_model`.

        Raises:
            VisualizerError: When there is no such model, or none that this painter can use.
        """
        from visualizer.painters.diffusion.loading import load_model

        loaded = load_model(model, device, precision=precision, options=options)
        scenes = options is not None and options.key == "scenes"
        return cls(loaded, key=ScenesPainter(loaded.device) if scenes else None)

    @property
    def identity(self) -> str:
        """Painter, version, weights and settings."""
        key = f" key {self._key_strength}" if self._key else ""
        over = f"{key} over {self._below.identity}"
        return f"diffusion {VERSION} {self.model.caps.name} {self._pull}{over}"

    @property
    def device(self) -> torch.device:
        """Where the frames lie."""
        return self.model.device

    @torch.no_grad()
    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        """Yields one frame for each cue of the shot; see `visualizer.painters.Painter`."""
        conditions = aligned([self._embed(look) for look in shot.looks])
        easel = Easel(
            self.model, score, shot, conditions, self._pull, self._key, self._key_strength
        )
        with enough_memory("one picture"):
            yield from self._mode(easel)

    def _mode(self, easel: Easel) -> Iterator[torch.Tensor]:
        mode = easel.shot.paint.mode
        if mode == "walk":
            return walk(easel)
        if mode == "keyframes":
            return keyframes(easel)
        if mode == "restyle":
            return restyle(easel, self._below)
        return feedback(easel, self.curves)

    def _embed(self, look: Look) -> Condition:
        text = (look.prompt, look.negative)
        if text not in self._embedded:
            self._embedded[text] = self.model.embed(*text)
        return self._embedded[text]

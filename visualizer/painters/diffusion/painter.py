"""The loop: move the last picture, paint it over, hold it to its anchor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F

from visualizer import camera
from visualizer.painters import Painter
from visualizer.painters.diffusion import oklab
from visualizer.painters.diffusion.anchor import Anchor, Pull, grade, tint
from visualizer.painters.diffusion.brush import Brush
from visualizer.painters.diffusion.key import Size, load_picture, painting_size
from visualizer.painters.diffusion.model import Condition, FrameModel, mix
from visualizer.score import Cue, Look, Score, Shot

VERSION = 1  # Raised when the same score and model would paint another film.


class DiffusionPainter:
    """Paints by feedback: each frame is the last one, moved and partly painted anew."""

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
        self._embedded: dict[tuple[str, str], Condition] = {}

    @classmethod
    def load(
        cls,
        model: str,
        device: str | None = None,
        *,
        precision: str | None = None,
        vae: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        key: Painter | None = None,
    ) -> DiffusionPainter:
        """Loads a pipeline in the folder form of diffusers.

        Args:
            model: A folder, or an id on the Hugging Face hub such as "stabilityai/sd-turbo".
            device: "cuda", "mps" or "cpu"; the best there is when None.
            precision: "float32", "float16" or "bfloat16"; the fastest that is safe when None.
            vae: Folder or hub id of a faster autoencoder, such as "madebyollin/taesd".
            steps: Denoiser calls per frame; the model's own number when None.
            guidance: How literally prompts are taken; the model's own scale when None.
            key: See the constructor.

        Raises:
            VisualizerError: When there is no such model, or none that this painter can use.
        """
        from visualizer.painters.diffusion.loading import load_model

        loaded = load_model(
            model, device, precision=precision, vae=vae, steps=steps, guidance=guidance
        )
        return cls(loaded, key=key)

    @property
    def identity(self) -> str:
        """Painter, version, weights and settings."""
        key = f" key {self._key_strength} of {self._key.identity}" if self._key else ""
        return f"diffusion {VERSION} {self.model.caps.name} {self._pull}{key}"

    @property
    def device(self) -> torch.device:
        """Where the frames lie."""
        return self.model.device

    @torch.no_grad()
    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        """Yields one frame for each cue of the shot; see `visualizer.painters.Painter`."""
        size = painting_size(self.model.caps, score.width, score.height)
        brush = Brush(self.model, size, shot.seed)
        conditions = [self._embed(look) for look in shot.looks]
        anchor: Anchor | None = None
        for cue in score.cues(shot):
            condition = mix(conditions, cue.weights)
            palette = tint(shot.looks, cue.weights, self.device)
            if anchor is None:
                picture = self._first(score, shot, cue, size, brush, condition)
                lab = oklab.from_srgb(picture)
                anchor = Anchor.of(lab, self.model.encode(picture[None]), palette, self._pull)
            else:
                move = camera.step(cue, score.fps, size.aspect)
                brush.advance(move, _per_frame(cue.noise, score.fps))
                picture = camera.warp(picture, move, "bicubic").clamp(0.0, 1.0)
                steps = self.model.caps.steps
                picture = brush.repaint(picture, cue.strength, condition, steps, anchor)
                lab = anchor.hold(oklab.from_srgb(picture), palette)
                picture = oklab.to_srgb(lab)
            yield _fit(oklab.to_srgb(grade(lab, cue)), score)

    def _embed(self, look: Look) -> Condition:
        text = (look.prompt, look.negative)
        if text not in self._embedded:
            self._embedded[text] = self.model.embed(*text)
        return self._embedded[text]

    def _first(
        self, score: Score, shot: Shot, cue: Cue, size: Size, brush: Brush, condition: Condition
    ) -> torch.Tensor:
        """The user's picture; or the key painter's, painted over; or the prompt's own."""
        index = shot.looks[cue.weights.index(max(cue.weights))].image
        if index is not None:
            return load_picture(score.images[index], size).to(self.device)
        if self._key is None:
            return brush.imagine(condition)
        small = replace(score, width=size.width, height=size.height)
        picture = next(self._key.paint(small, shot)).to(self.device)
        steps = max(1, math.ceil(self.model.caps.key_steps * self._key_strength))
        return brush.repaint(picture, self._key_strength, condition, steps)


def _per_frame(renewal: float, fps: int) -> float:
    """A share of renewal meant at 24 frames per second, so that other rates forget as fast."""
    return float(1.0 - (1.0 - renewal) ** (24.0 / fps))


def _fit(picture: torch.Tensor, score: Score) -> torch.Tensor:
    """Scales a painted picture to the film's size."""
    if picture.shape[-2:] == (score.height, score.width):
        return picture
    smaller = score.height < picture.shape[-2]
    size = (score.height, score.width)
    scaled = F.interpolate(picture[None], size, mode="bicubic", antialias=smaller)
    return scaled[0].clamp(0.0, 1.0)

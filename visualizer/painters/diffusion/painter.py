"""Diffusion behind `visualizer.painters.Painter`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from visualizer.lexicon import moods, plain_prompt
from visualizer.painters import PULSE, Curves, ModelOptions, Painter
from visualizer.painters.diffusion.anchor import Pull
from visualizer.painters.diffusion.depth import Depth
from visualizer.painters.diffusion.depth_model import load_depth
from visualizer.painters.diffusion.device import enough_memory
from visualizer.painters.diffusion.easel import Easel
from visualizer.painters.diffusion.feedback import feedback
from visualizer.painters.diffusion.joining import dissolve, follower
from visualizer.painters.diffusion.key import painting_size
from visualizer.painters.diffusion.keyframes import keyframes
from visualizer.painters.diffusion.model import Condition, FrameModel, aligned
from visualizer.painters.diffusion.pace import frames_per_second
from visualizer.painters.diffusion.restyle import Touch, restyle
from visualizer.painters.diffusion.walk import walk
from visualizer.painters.scenes import ScenesPainter
from visualizer.score import Look, Score, Shot

VERSION = 10  # Raised when the same score and model would paint another film.
KEY_STRENGTH = 0.7
PULSE_KEY_STRENGTH = 0.4  # Its layouts are worse than those of the scenes it paints over.
PULSE_TOUCH = Touch(0.5, sheer=0.6)  # With more strength lines fray; with all, drops turn to blots.


class DiffusionPainter:
    """Paints with a model, in the mode that the shot asks for.

    Attributes:
        model: What paints.
        curves: What the watchdog saw; see `visualizer.painters.Watchful`.
        notes: What the user should know; see `visualizer.painters.Outspoken`.
    """

    def __init__(
        self,
        model: FrameModel,
        *,
        key: Painter | None = None,
        key_strength: float = KEY_STRENGTH,
        touch: Touch | None = None,
        pull: Pull | None = None,
        depth: Depth | None = None,
        plain: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        """Takes a loaded model.

        Args:
            model: From `load`, or any other `FrameModel`.
            key: Paints the picture that a shot begins with where the user gave none; without a
                key painter it comes from the prompt alone.
            key_strength: How much of that picture the model paints anew, in [0, 1].
            touch: How heavily it paints in the mode restyle.
            pull: How strongly frames are held to the first of their shot.
            depth: Finds what is near in pictures, for parallax; without it they are flat.
            plain: Whether prompts are put into the few words that Pulse was taught: scene,
                everyday colours and moods.
            notes: See `visualizer.painters.Outspoken`.
        """
        self.model = model
        self.notes = tuple(notes)
        self._plain = plain
        self._key = key
        self._key_strength = key_strength
        self._touch = touch or Touch()
        self._pull = pull or Pull()
        self._depth = depth
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
        from visualizer.painters.diffusion.lora import pace_note

        wanted = options or ModelOptions()
        loaded = load_model(model, device, precision=precision, options=wanted)
        caps, plain = loaded.caps, model == PULSE
        notes = (pace_note(lora, caps.steps, caps.key_steps) for lora in wanted.loras)
        return cls(
            loaded,
            key=ScenesPainter(loaded.device) if wanted.key == "scenes" or plain else None,
            key_strength=PULSE_KEY_STRENGTH if plain else KEY_STRENGTH,
            touch=PULSE_TOUCH if plain else None,
            plain=plain,
            depth=load_depth(wanted.depth, loaded.device, wanted.accept_licence),
            notes=[note for note in notes if note],
        )

    @property
    def identity(self) -> str:
        """Painter, version, weights and settings."""
        key = f" key {self._key_strength}" if self._key else ""
        over = f"{key} over {self._below.identity}"
        depth = f" depth {self._depth.name}" if self._depth else ""
        how = f"{self._pull} {self._touch}"
        return f"diffusion {VERSION} {self.model.caps.name} {how}{over}{depth}"

    @property
    def device(self) -> torch.device:
        """Where the frames lie."""
        return self.model.device

    def pace(self, width: int, height: int) -> float:
        """Frames per second that the model alone paints of a film of this size, measured now."""
        return frames_per_second(self.model, painting_size(self.model.caps, width, height))

    @torch.no_grad()
    def paint(self, score: Score, shot: Shot) -> Iterator[torch.Tensor]:
        """Yields one frame for each cue of the shot; see `visualizer.painters.Painter`."""
        easel, after = self._easel(score, shot), follower(score, shot)
        if after is not None:
            easel = replace(easel, after=self._easel(score, after))
        with enough_memory("one picture"):
            yield from self._joined(easel)

    def _easel(self, score: Score, shot: Shot) -> Easel:
        return Easel(
            model=self.model,
            score=score,
            shot=shot,
            conditions=aligned([self._embed(look) for look in shot.looks]),
            pull=self._pull,
            key=self._key,
            key_strength=self._key_strength,
            depth=self._depth,
        )

    def _joined(self, easel: Easel) -> Iterator[torch.Tensor]:
        """The shot in its mode, and over to the next at its end."""
        mode, after = easel.shot.paint.mode, easel.after
        if mode == "feedback":
            return feedback(easel, self.curves)
        frames = self._mode(easel)
        if after is None or mode == "walk":
            return frames
        return dissolve(frames, self._mode(after), easel.shot, after.shot)

    def _mode(self, easel: Easel) -> Iterator[torch.Tensor]:
        mode = easel.shot.paint.mode
        if mode == "walk":
            return walk(easel)
        return keyframes(easel) if mode == "keyframes" else restyle(easel, self._below, self._touch)

    def _embed(self, look: Look) -> Condition:
        prompt = look.prompt
        if self._plain:
            prompt = plain_prompt(look.scene, look.palette, moods(prompt))
        text = (prompt, look.negative)
        if text not in self._embedded:
            self._embedded[text] = self.model.embed(*text)
        return self._embedded[text]

"""Where Pulse is taught: the parts, the drawings and the lessons, kept in one folder.

What a lesson has taught, finished or not, lies under `parts/`, in bfloat16 as it will ship; later
lessons read it from there, so that they learn on exactly what users get. What a lesson began with
stays under `begun/`: it is needed again when the lesson is gone on with, as its teacher.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from visualizer.pulse.autoencoder import autoencoder_lesson
from visualizer.pulse.batches import Batches, books
from visualizer.pulse.colors import colors_lesson
from visualizer.pulse.course import Course
from visualizer.pulse.denoiser import Schedule, denoiser_lesson
from visualizer.pulse.distil import distil_lesson
from visualizer.pulse.finish import finish_lesson
from visualizer.pulse.gallery import Gallery
from visualizer.pulse.parts import (
    CHANNELS,
    fresh_scheduler,
    fresh_text,
    fresh_unet,
    fresh_vae,
    tokenizer_of,
    write_model,
)
from visualizer.pulse.polish import polish_lesson
from visualizer.pulse.reader import reader_lesson
from visualizer.pulse.recognizer import Recognizer, recognizer_lesson
from visualizer.pulse.run import Lesson

PARTS = {"vae", "unet", "text_encoder"}


@dataclass
class Studio:
    """One model in the making.

    Attributes:
        folder: Where all of it is kept.
        course: What is taught.
        device: Where it is computed.
        begin: A finished model to go on from, instead of nothing.
    """

    folder: Path
    course: Course
    device: torch.device
    begin: Path | None = None

    @cached_property
    def gallery(self) -> Gallery:
        """The drawings."""
        return Gallery(self.folder / "gallery", piece=self.course.piece)

    @cached_property
    def large(self) -> Gallery:
        """Others of twice the size."""
        return Gallery(self.folder / "gallery", scale=2, piece=self.course.piece)

    @cached_property
    def tokenizer(self) -> Any:
        """Of the model that is gone on with, or learned now."""
        return tokenizer_of(self._tokenizer_folder, self.course.plan)

    @cached_property
    def schedule(self) -> Schedule:
        """Of the noise."""
        return Schedule.of(fresh_scheduler(), self.device)

    def draw(self) -> None:
        """Draws what is not drawn yet."""
        for number in range(self.course.pieces):
            self.gallery.pictures(number)
        for number in range(self.course.large):
            self.large.pictures(number)

    def autoencoder(self) -> Lesson:
        """The first lesson."""
        pictures = [np.array(self.gallery.pictures(n)) for n in range(self.course.seen)]
        vae = self.part("vae")
        course = self.course
        return autoencoder_lesson(vae, pictures, self.folder, course.autoencoder, course.crops)

    def polish(self) -> Lesson:
        """The second lesson, on drawings of both sizes."""
        count = self.course.polished
        sizes = (self.gallery, self.large)
        pictures = [np.array(size.pictures(n)) for size in sizes for n in range(count)]
        self._begin("polish", "vae")
        vae = self.part("vae", "polish")
        return polish_lesson(
            vae, pictures, self.folder, steps=self.course.polish, batch=self.course.crops
        )

    def reader(self) -> Lesson:
        """The third lesson, on words alone."""
        return reader_lesson(
            self.painter(),
            self.tokenizer,
            self.folder,
            captions=self.course.captions,
            batch=self.course.phrases,
            steps=self.course.reader,
            peak=3e-4 if self.begin else 2e-3,
        )

    def coarse(self) -> Lesson:
        """The fourth lesson, on pictures of half the size, where steps are four times as fast."""
        return self._denoiser("coarse", self.course.coarse, peak=1e-3, shrink=2)

    def fine(self) -> Lesson:
        """The fifth lesson, on pictures as they are."""
        return self._denoiser("fine", self.course.fine, peak=6e-4)

    def distil(self) -> Lesson:
        """The sixth lesson, in few passes."""
        self._begin("distil", "unet", "text_encoder")
        return distil_lesson(
            self.painter("distil"),
            self._unmoved("distil"),
            self.batches(self.course.drawings // 2),
            self.schedule,
            self.folder,
            guidance=self.course.guidance,
            steps=self.course.distil,
            peak=3e-4,
        )

    def colors(self) -> Lesson:
        """The seventh lesson, on the colours that were asked for."""
        self._begin("colors", "unet", "text_encoder")
        return colors_lesson(
            self.painter("colors"),
            self._unmoved("colors"),
            self.batches(self.course.drawings // 2),
            self.schedule,
            self.folder,
            steps=self.course.colors,
            peak=3e-4,
        )

    def recognizer(self) -> Lesson:
        """The eighth lesson, of one who only helps in the last."""
        return recognizer_lesson(
            Recognizer(CHANNELS).to(self.device),
            self.batches(self.course.drawings),
            self.folder,
            steps=self.course.recognizer,
            peak=2e-3,
        )

    def finish(self) -> Lesson:
        """The last lesson."""
        self._begin("finish", "vae", "unet", "text_encoder")
        return finish_lesson(
            {"vae": self.part("vae", "finish"), **self.painter("finish")},
            self._unmoved("finish"),
            self._recognizer(),
            self.batches(self.course.drawings // 2),
            self.schedule,
            self.folder,
            steps=self.course.finish,
            peak=2e-4,
        )

    def batches(self, size: int, shrink: int = 1) -> Batches:
        """The gallery as the encoder sees it, large drawings too unless they are to be shrunk.

        Args:
            size: Drawings of the smallest shape in a batch.
            shrink: How many times smaller than drawn they are seen.
        """
        pieces = [(self.gallery, n) for n in range(self.course.pieces)]
        if shrink == 1:
            pieces += [(self.large, n) for n in range(self.course.large)]
        bound = books(pieces, self.part("vae").eval(), shrink)
        return Batches(bound, self.tokenizer, size, self.device)

    def painter(self, lesson: str = "") -> dict[str, Any]:
        """The parts that turn words into latents; see `part`."""
        return {name: self.part(name, lesson) for name in ("unet", "text_encoder")}

    def _unmoved(self, lesson: str) -> dict[str, Any]:
        """The painter as a lesson began with it; it does not learn."""
        return {n: m.eval().requires_grad_(False) for n, m in self.painter(lesson).items()}

    def keep(self, lesson: Lesson, over: bool) -> None:
        """Writes what a lesson has taught, and notes whether it is over."""
        with lesson.averaged():
            for name in lesson.modules.keys() & PARTS:
                module = lesson.modules[name]
                part: Any = copy.deepcopy(module)
                if lesson.way < 1.0:
                    _go_towards(part, self.part(name, lesson.name), 1.0 - lesson.way)
                part.to(torch.bfloat16).save_pretrained(self._parts / name, safe_serialization=True)
        if over:
            _mark(self.folder, lesson.name).touch()

    def write(self, folder: Path) -> None:
        """Writes the model as diffusers and the program read it."""
        parts = {n: self.part(n).to(torch.bfloat16) for n in sorted(PARTS)}
        write_model(folder, parts, self._tokenizer_folder, self.course.plan, few=self._few)

    def part(self, name: str, lesson: str = "") -> Any:
        """A part as it is now, or as a lesson began with it; fresh if there is none."""
        from diffusers import AutoencoderTiny, UNet2DConditionModel
        from transformers import CLIPTextModel

        kinds = {
            "vae": AutoencoderTiny,
            "unet": UNet2DConditionModel,
            "text_encoder": CLIPTextModel,
        }
        fresh: dict[str, Callable[[], Any]] = {
            "vae": lambda: fresh_vae(self.course.plan),
            "unet": lambda: fresh_unet(self.course.plan),
            "text_encoder": lambda: fresh_text(self.course.plan, self.tokenizer),
        }
        torch.manual_seed(0)
        source = self._begun(lesson) / name if lesson else self._source(name)
        part = kinds[name].from_pretrained(source) if source else fresh[name]()
        return part.float().to(self.device, memory_format=torch.channels_last).train()

    def _denoiser(self, name: str, steps: int, peak: float, shrink: int = 1) -> Lesson:
        return denoiser_lesson(
            self.painter(),
            self.batches(self.course.drawings, shrink),
            self.schedule,
            self.folder,
            name=name,
            steps=steps,
            peak=peak,
        )

    def _recognizer(self) -> Recognizer:
        """As it has learned to see."""
        lesson = self.recognizer()
        with lesson.averaged():
            taught = copy.deepcopy(lesson.modules["recognizer"])
        assert isinstance(taught, Recognizer)
        return taught.eval().requires_grad_(False)

    def _begin(self, lesson: str, *names: str) -> None:
        """Keeps aside what a lesson begins with, once."""
        for name in names:
            aside = self._begun(lesson) / name
            if not aside.exists():
                self.part(name).save_pretrained(aside.with_suffix(".part"))
                aside.with_suffix(".part").rename(aside)

    @property
    def _few(self) -> bool:
        """Whether it has learned to paint in few passes, here or before."""
        index = self.begin and self.begin / "model_index.json"
        before = index and "LCMScheduler" in index.read_text(encoding="utf-8")
        return self._begun("distil").is_dir() or bool(before)

    @property
    def _tokenizer_folder(self) -> Path:
        return (self.begin or self._parts) / "tokenizer"

    @property
    def _parts(self) -> Path:
        return self.folder / "parts"

    def _begun(self, lesson: str) -> Path:
        return self.folder / "begun" / lesson

    def _source(self, name: str) -> Path | None:
        """Where a part lies now."""
        taught = self._parts / name
        return taught if taught.is_dir() else self.begin and self.begin / name


def lesson_done(folder: Path, name: str) -> bool:
    """Whether a lesson is over."""
    return _mark(folder, name).exists()


@torch.no_grad()
def _go_towards(module: torch.nn.Module, other: torch.nn.Module, share: float) -> None:
    """Moves weights a share of the way to those of another module of the same kind."""
    for value, goal in zip(module.parameters(), other.parameters(), strict=True):
        value.lerp_(goal, share)


def _mark(folder: Path, name: str) -> Path:
    return folder / f"{name}.done"

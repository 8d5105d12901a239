"""Where Pulse is taught: what each lesson learns from, in the order of the lessons."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from visualizer.pulse.autoencoder import autoencoder_lesson
from visualizer.pulse.batches import Batches, books
from visualizer.pulse.colors import colors_lesson
from visualizer.pulse.course import Course
from visualizer.pulse.denoiser import Schedule, denoiser_lesson
from visualizer.pulse.distil import distil_lesson
from visualizer.pulse.finish import finish_lesson
from visualizer.pulse.gallery import Gallery
from visualizer.pulse.mistakes import emphasis
from visualizer.pulse.parts import CHANNELS, fresh_scheduler
from visualizer.pulse.reader import reader_lesson
from visualizer.pulse.recognizer import Recognizer, recognizer_lesson
from visualizer.pulse.run import Lesson
from visualizer.pulse.shelf import Shelf


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
    def shelf(self) -> Shelf:
        """The parts of the model."""
        return Shelf(self.folder, self.course.plan, self.device, self.begin)

    @cached_property
    def gallery(self) -> Gallery:
        """The drawings."""
        return Gallery(self.folder / "gallery", piece=self.course.piece)

    @cached_property
    def large(self) -> Gallery:
        """Others of twice the size."""
        return Gallery(self.folder / "gallery", scale=2, piece=self.course.piece)

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
        """The first lesson, on drawings of both sizes."""
        sizes = ((self.gallery, self.course.seen), (self.large, self.course.large))
        pictures = [size.pictures(n) for size, count in sizes for n in range(count)]
        self.shelf.begin_with("autoencoder", "vae")
        vae, begun = (self.shelf.part("vae", "autoencoder") for _ in range(2))
        return autoencoder_lesson(
            vae,
            pictures,
            self.folder,
            steps=self.course.autoencoder,
            batch=self.course.crops,
            known=begun.encoder.eval().requires_grad_(False) if self.begin else None,
        )

    def reader(self) -> Lesson:
        """The second lesson, on words alone."""
        return reader_lesson(
            self.shelf.painter(),
            self.shelf.tokenizer,
            self.folder,
            captions=self.course.captions,
            batch=self.course.phrases,
            steps=self.course.reader,
            peak=3e-4 if self.begin else 2e-3,
        )

    def coarse(self) -> Lesson:
        """The third lesson, on pictures of half the size, where steps are four times as fast."""
        return self._denoiser("coarse", self.course.coarse, peak=1e-3, shrink=2)

    def fine(self) -> Lesson:
        """The fourth lesson, on pictures as they are."""
        return self._denoiser("fine", self.course.fine, peak=6e-4)

    def distil(self) -> Lesson:
        """The fifth lesson, in few passes."""
        self.shelf.begin_with("distil", "unet", "text_encoder")
        return distil_lesson(
            self.shelf.painter("distil"),
            self.shelf.unmoved("distil"),
            self.batches(self.course.drawings // 2),
            self.schedule,
            self.folder,
            guidance=self.course.guidance,
            steps=self.course.distil,
            peak=3e-4,
        )

    def recognizer(self) -> Lesson:
        """The sixth lesson, of one who only helps in the next two."""
        return recognizer_lesson(
            Recognizer(CHANNELS).to(self.device),
            self.batches(self.course.drawings),
            self.folder,
            steps=self.course.recognizer,
            peak=2e-3,
        )

    def colors(self) -> Lesson:
        """The seventh lesson, on the colours that were asked for."""
        self.shelf.begin_with("colors", "unet", "text_encoder")
        begun, recognizer = self.shelf.unmoved("colors"), self._recognizer()
        often = emphasis(begun, recognizer, self.shelf.tokenizer, self.schedule)
        return colors_lesson(
            self.shelf.painter("colors"),
            begun,
            recognizer,
            self.batches(self.course.drawings // 2).emphasized(often),
            self.schedule,
            self.folder,
            steps=self.course.colors,
            peak=3e-4,
        )

    def finish(self) -> Lesson:
        """The last lesson."""
        self.shelf.begin_with("finish", "vae", "unet", "text_encoder")
        return finish_lesson(
            {"vae": self.shelf.part("vae", "finish"), **self.shelf.painter("finish")},
            self.shelf.unmoved("finish"),
            self._recognizer(),
            self.batches(self.course.drawings // 2),
            self.pairs(max(1, self.course.drawings // 8)),
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
        bound = books(pieces, self.shelf.part("vae").eval(), shrink)
        return Batches(bound, self.shelf.tokenizer, size, self.device)

    def pairs(self, size: int) -> Batches:
        """Some of the gallery, with the moment after.

        Args:
            size: Drawings of the smallest shape in a batch.
        """
        vae = self.shelf.part("vae").eval()
        pieces = [(self.gallery, n) for n in range(self.course.pairs)]
        pieces += [(self.large, n) for n in range(self.course.large)]
        after = [(replace(gallery, later=True), n) for gallery, n in pieces]
        both = zip(books(pieces, vae, 1), books(after, vae, 1), strict=True)
        bound = [replace(book, later=later) for book, later in both]
        return Batches(bound, self.shelf.tokenizer, size, self.device)

    def _denoiser(self, name: str, steps: int, peak: float, shrink: int = 1) -> Lesson:
        return denoiser_lesson(
            self.shelf.painter(),
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

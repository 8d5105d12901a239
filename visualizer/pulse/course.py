"""How long Pulse is taught, and on how much: the real course and its rehearsal."""

from __future__ import annotations

from dataclasses import dataclass

from visualizer.pulse.parts import FULL, TOY, Plan


@dataclass(frozen=True)
class Course:
    """How long each lesson lasts, and on how much.

    Attributes:
        plan: Of the model.
        pieces: Of the gallery.
        piece: Drawings in each.
        seen: Pieces that the autoencoder learns from, beside the large ones.
        large: Pieces with drawings of twice the size.
        pairs: Pieces that are drawn a second time a moment later, beside the large ones.
        crops: Batch of the autoencoder.
        drawings: Batch of the denoiser; fewer where they are larger.
        autoencoder: Steps of the lesson.
        captions: Drawings that are spoken of in the lesson on words.
        phrases: Captions in a step of it.
        reader: Its steps.
        coarse: Steps of the denoiser on pictures of half the size.
        fine: Steps of the denoiser on pictures of both sizes.
        distil: Steps of the lesson on few passes.
        guidance: How literally its teacher takes captions.
        colors: Steps of the lesson on colours.
        recognizer: Steps of the lesson in recognizing drawings.
        finish: Steps of the last lesson.
    """

    plan: Plan = FULL
    pieces: int = 96
    piece: int = 256
    seen: int = 32
    large: int = 8
    pairs: int = 12
    crops: int = 8
    drawings: int = 32
    autoencoder: int = 12_000
    captions: int = 48_000
    phrases: int = 128
    reader: int = 2_000
    coarse: int = 11_500
    fine: int = 3_000
    distil: int = 1_500
    guidance: float = 3.0
    colors: int = 2_400
    recognizer: int = 2_500
    finish: int = 700


FULL_COURSE = Course()
REHEARSAL = Course(
    plan=TOY,
    pieces=3,
    piece=4,
    seen=2,
    large=1,
    pairs=1,
    crops=2,
    drawings=2,
    autoencoder=6,
    captions=16,
    phrases=4,
    reader=4,
    coarse=4,
    fine=4,
    distil=3,
    colors=3,
    recognizer=3,
    finish=4,
)

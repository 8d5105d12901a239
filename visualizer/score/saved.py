"""The score as a file: JSON that a person may edit, one frame to a line."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from visualizer.controls import NAMES
from visualizer.errors import VisualizerError
from visualizer.lexicon import SCENES
from visualizer.preset import Mode
from visualizer.score.types import FORMAT, Look, Paint, Pose, Score, Shot, Title

_Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _SavedLook(_Strict):
    prompt: str
    negative: str
    scene: str
    palette: list[_Color] = Field(min_length=2)
    seed: int = Field(ge=0)
    image: int | None = Field(ge=0)

    @model_validator(mode="after")
    def _known(self) -> _SavedLook:
        if self.scene not in SCENES:
            raise ValueError(f"scene should be one of {', '.join(SCENES)} (got {self.scene!r})")
        return self


class _SavedPaint(_Strict):
    mode: Mode = "feedback"
    picture: Literal["fill", "fit"] = "fill"
    keys: list[int] = []


class _SavedShot(_Strict):
    first: int = Field(ge=0)
    lead: int = Field(ge=0)
    seed: int = Field(ge=0)
    section: str
    looks: list[_SavedLook] = Field(min_length=1)
    origin: dict[str, float]
    paint: _SavedPaint = _SavedPaint()
    rows: list[list[float]]


class _SavedScore(_Strict):
    format: int
    fps: int = Field(gt=0)
    width: int = Field(gt=0, multiple_of=2)
    height: int = Field(gt=0, multiple_of=2)
    start: float = Field(ge=0)
    title: dict[str, Any]
    images: list[str]
    columns: list[str]
    shots: list[_SavedShot] = Field(min_length=1)


def save_score(score: Score, path: Path) -> None:
    """Writes a score; whole or not at all."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(score_text(score), encoding="utf-8")
    beside.replace(path)


def score_text(score: Score) -> str:
    """A score as JSON: each row holds fade, the weights of the looks, then the controls."""
    head = {
        "format": FORMAT,
        "fps": score.fps,
        "width": score.width,
        "height": score.height,
        "start": score.start,
        "title": dataclasses.asdict(score.title),
        "images": list(score.images),
        "columns": ["fade", "weights", *NAMES],
    }
    opening = json.dumps(head, indent=1, ensure_ascii=False)[:-2]
    shots = ",\n".join(_shot_text(shot) for shot in score.shots)
    return f'{opening},\n "shots": [\n{shots}\n ]\n}}\n'


def load_score(path: Path) -> Score:
    """Reads a saved or hand-edited score.

    Raises:
        VisualizerError: No such file, not a score, or a value that no score can have.
    """
    try:
        saved = _SavedScore.model_validate_json(path.read_bytes())
        if saved.format != FORMAT:
            raise VisualizerError(
                f"{path}: format {saved.format}; this version reads {FORMAT}:"
                " compose it again from the song"
            )
        if saved.columns != ["fade", "weights", *NAMES]:
            raise VisualizerError(f"{path}: columns: should be fade, weights, {', '.join(NAMES)}")
        return _score(saved)
    except OSError as error:
        raise VisualizerError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise VisualizerError(f"{path}: {place or 'score'}: {first['msg']}") from None
    except ValueError as error:
        raise VisualizerError(f"{path}: {error}") from None


def score_digest(score: Score, shot: Shot, painter: str) -> str:
    """A hash of everything that decides a shot's pixels: the name under which it is kept."""
    head = [
        FORMAT,
        painter,
        score.fps,
        score.width,
        score.height,
        score.start,
        shot.first,
        shot.lead,
        shot.seed,
        repr(shot.looks),
        repr(shot.origin),
        repr(shot.paint),
        repr(score.title),
        score.images,
        score.frames,
    ]
    digest = hashlib.sha256(repr(head).encode())
    for image in score.images:
        digest.update(Path(image).read_bytes() if Path(image).is_file() else b"")
    for column in (shot.weights, shot.controls, shot.fade):
        digest.update(np.ascontiguousarray(column).tobytes())
    for after in score.shots:
        # A shot can go over into the next one's lead; see Shot.lead.
        if after.first == shot.first + len(shot) and after.lead:
            digest.update(repr((after.seed, after.looks, after.origin, after.paint)).encode())
            for column in (after.weights, after.controls):
                digest.update(np.ascontiguousarray(column[: after.lead]).tobytes())
    return digest.hexdigest()[:24]


def _shot_text(shot: Shot) -> str:
    head = {
        "first": shot.first,
        "lead": shot.lead,
        "seed": shot.seed,
        "section": shot.section,
        "looks": [dataclasses.asdict(look) for look in shot.looks],
        "origin": dataclasses.asdict(shot.origin),
        "paint": dataclasses.asdict(shot.paint),
    }
    table = np.column_stack([shot.fade, shot.weights, shot.controls])
    rows = ",\n".join("  [" + ", ".join(f"{value:.7g}" for value in row) + "]" for row in table)
    return " " + json.dumps(head, ensure_ascii=False)[:-1] + f', "rows": [\n{rows}\n ]}}'


def _score(saved: _SavedScore) -> Score:
    shots = tuple(_shot(shot, index) for index, shot in enumerate(saved.shots))
    expected = 0
    for index, shot in enumerate(shots):
        if shot.first != expected:
            raise ValueError(
                f"shots.{index}.first: should be {expected}, where the shot before ends"
                f" (got {shot.first})"
            )
        expected += len(shot)
        for look in shot.looks:
            if look.image is not None and look.image >= len(saved.images):
                raise ValueError(
                    f"shots.{index}.looks: image {look.image} is not among the"
                    f" {len(saved.images)} images, which count from 0"
                )
    return Score(
        saved.fps,
        saved.width,
        saved.height,
        saved.start,
        shots,
        Title(**saved.title),
        tuple(saved.images),
    )


def _shot(saved: _SavedShot, index: int) -> Shot:
    looks = tuple(
        Look(look.prompt, look.negative, look.scene, tuple(look.palette), look.seed, look.image)
        for look in saved.looks
    )
    width = 1 + len(looks) + len(NAMES)
    if len(saved.rows) <= saved.lead or any(len(row) != width for row in saved.rows):
        raise ValueError(
            f"shots.{index}.rows: should be more than {saved.lead} rows of {width} numbers"
        )
    table = np.array(saved.rows, np.float32)
    if not np.isfinite(table).all():
        raise ValueError(f"shots.{index}.rows: every number should be finite")
    return Shot(
        saved.first,
        saved.lead,
        saved.seed,
        saved.section,
        looks,
        table[:, 1 : 1 + len(looks)],
        table[:, 1 + len(looks) :],
        table[:, 0],
        Pose(**saved.origin),
        Paint(saved.paint.mode, saved.paint.picture, tuple(saved.paint.keys)),
    )

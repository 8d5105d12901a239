"""The parts of one model in the making, kept in its folder.

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

import torch

from visualizer.pulse.parts import (
    Plan,
    fresh_text,
    fresh_unet,
    fresh_vae,
    tokenizer_of,
    write_model,
)
from visualizer.pulse.run import Lesson

PARTS = {"vae", "unet", "text_encoder"}


@dataclass
class Shelf:
    """Where parts are found and put back.

    Attributes:
        folder: Where all of it is kept.
        plan: What fresh parts are made by.
        device: Where they are wanted.
        begin: A finished model to go on from, instead of nothing.
    """

    folder: Path
    plan: Plan
    device: torch.device
    begin: Path | None = None

    @cached_property
    def tokenizer(self) -> Any:
        """Of the model that is gone on with, or learned now."""
        return tokenizer_of(self._tokenizer_folder, self.plan)

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
            "vae": lambda: fresh_vae(self.plan),
            "unet": lambda: fresh_unet(self.plan),
            "text_encoder": lambda: fresh_text(self.plan, self.tokenizer),
        }
        torch.manual_seed(0)
        source = self._begun(lesson) / name if lesson else self._source(name)
        part = kinds[name].from_pretrained(source) if source else fresh[name]()
        return part.float().to(self.device, memory_format=torch.channels_last).train()

    def painter(self, lesson: str = "") -> dict[str, Any]:
        """The parts that turn words into latents; see `part`."""
        return {name: self.part(name, lesson) for name in ("unet", "text_encoder")}

    def unmoved(self, lesson: str) -> dict[str, Any]:
        """The painter as a lesson began with it; it does not learn."""
        return {n: m.eval().requires_grad_(False) for n, m in self.painter(lesson).items()}

    def begin_with(self, lesson: str, *names: str) -> None:
        """Keeps aside what a lesson begins with, once."""
        for name in names:
            aside = self._begun(lesson) / name
            if not aside.exists():
                self.part(name).save_pretrained(aside.with_suffix(".part"))
                aside.with_suffix(".part").rename(aside)

    def keep(self, lesson: Lesson, over: bool) -> None:
        """Writes what a lesson has taught, and notes whether it is over."""
        with lesson.averaged():
            for name in lesson.modules.keys() & PARTS:
                part: Any = copy.deepcopy(lesson.modules[name])
                part.to(torch.bfloat16).save_pretrained(self._parts / name, safe_serialization=True)
        if over:
            _mark(self.folder, lesson.name).touch()

    def write(self, folder: Path) -> None:
        """Writes the model as diffusers and the program read it."""
        parts = {n: self.part(n).to(torch.bfloat16) for n in sorted(PARTS)}
        write_model(folder, parts, self._tokenizer_folder, self.plan, few=self._few)

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


def _mark(folder: Path, name: str) -> Path:
    return folder / f"{name}.done"

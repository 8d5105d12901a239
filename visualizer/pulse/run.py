"""One lesson, kept so that it can be stopped at any moment and gone on with later."""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

SAVE_EVERY = 120.0  # Seconds.
SHOW_EVERY = 10.0
MEMORY = 0.999  # Of the running mean of the weights, which is what ships; shorter at the start.


@dataclass
class Lesson:
    """What is taught, and how far it has got.

    Attributes:
        name: Of the files it is kept in.
        folder: Where they lie.
        modules: What learns, by name.
        loss: From the step's number to the loss, with its parts for the log.
        steps: How many steps make it whole.
        peak: Highest learning rate.
        sheet: Draws what has been learned so far, into a file.
        swift: How many times as fast some of the modules learn.
        warmup: Steps in which the rate rises.
        inertia: Of the optimizer (Adam's first beta); less where two learn against each other.
        step: How many steps are done.
    """

    name: str
    folder: Path
    modules: Mapping[str, nn.Module]
    loss: Callable[[int], tuple[torch.Tensor, dict[str, float]]]
    steps: int
    peak: float
    sheet: Callable[[Path], None] | None = None
    swift: Mapping[str, float] = field(default_factory=dict)
    warmup: int = 200
    inertia: float = 0.9
    step: int = 0
    means: dict[str, list[torch.Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Readies the optimizer, and goes on from what is on disk."""
        groups = [
            {"params": list(module.parameters()), "swift": self.swift.get(name, 1.0)}
            for name, module in self.modules.items()
        ]
        self.optimizer = torch.optim.AdamW(
            groups, lr=self.peak, betas=(self.inertia, 0.99), weight_decay=0.01, fused=True
        )
        self.means = {
            name: [value.detach().clone() for value in module.parameters()]
            for name, module in self.modules.items()
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def learn(self, minutes: float) -> bool:
        """Goes on for some time.

        Returns:
            Whether the lesson is over.
        """
        started = saved = shown = time.monotonic()
        first = self.step
        while self.step < self.steps and time.monotonic() < started + 60.0 * minutes:
            parts = self.take_step()
            now = time.monotonic()
            if now > shown + SHOW_EVERY or self.step == self.steps:
                pace = (self.step - first) / max(now - started, 1e-9)
                self._show(parts, pace)
                shown = now
            if now > saved + SAVE_EVERY:
                self.save()
                saved = now
        self.save()
        if self.sheet is not None:
            with self.averaged():
                self.sheet(self.folder / f"{self.name}.png")
        return self.step >= self.steps

    def averaged(self) -> _Averaged:
        """While it is entered, the modules hold the running means of their weights."""
        return _Averaged(self)

    def save(self) -> None:
        """Writes everything needed to go on."""
        state = {
            "step": self.step,
            "optimizer": self.optimizer.state_dict(),
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "means": self.means,
        }
        path = self._state
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    @property
    def _device(self) -> torch.device:
        return next(p.device for m in self.modules.values() for p in m.parameters())

    @property
    def _state(self) -> Path:
        return self.folder / f"{self.name}.pt"

    def _load(self) -> None:
        if not self._state.exists():
            return
        state: dict[str, Any] = torch.load(
            self._state, map_location=self._device, weights_only=True
        )
        self.step, self.means = state["step"], state["means"]
        self.optimizer.load_state_dict(state["optimizer"])
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])

    def take_step(self) -> dict[str, float]:
        """Learns from one batch; returns what the log is to know."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate() * group["swift"]
        loss, parts = self.loss(self.step)
        loss.backward()  # type: ignore[no-untyped-call]
        modules = self.modules.values()
        norm = nn.utils.clip_grad_norm_([p for m in modules for p in m.parameters()], 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        memory = min(MEMORY, 1.0 - 1.0 / (1.0 + 0.1 * self.step))
        with torch.no_grad():
            for name, module in self.modules.items():
                torch._foreach_lerp_(self.means[name], list(module.parameters()), 1.0 - memory)
        return {"loss": loss.item(), **parts, "norm": float(norm)}

    def _rate(self) -> float:
        """Rises, stays, and falls over the last fifth: a longer lesson only stays longer."""
        rise = min(1.0, (self.step + 1) / self.warmup)
        fall = min(1.0, (self.steps - self.step) / (0.2 * self.steps))
        return self.peak * rise * max(fall, 0.02)

    def _show(self, parts: Mapping[str, float], pace: float) -> None:
        left = (self.steps - self.step) / max(pace, 1e-9)
        said = "  ".join(f"{name} {value:.4f}" for name, value in parts.items())
        minutes, seconds = divmod(math.ceil(left), 60)
        sys.stdout.write(
            f"{self.name} {self.step}/{self.steps}  {said}  {pace:.2f}/s"
            f"  left {minutes}:{seconds:02}\n"
        )
        sys.stdout.flush()
        self._log({"step": self.step, **parts})

    def _log(self, row: Mapping[str, float]) -> None:
        path = self.folder / f"{self.name}.csv"
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            if fresh:
                writer.writeheader()
            writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


class _Averaged:
    """Puts the running means in the modules' place for a while."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, module in self._lesson.modules.items():
            for value, mean in zip(module.parameters(), self._lesson.means[name], strict=True):
                kept = value.detach().clone()
                value.copy_(mean)
                mean.copy_(kept)


def show_grid(rows: Iterable[torch.Tensor], path: Path) -> None:
    """Writes pictures as one PNG, each row float32 of shape (n, 3, height, width) in [0, 1]."""
    import cv2

    grid = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
    pixels = (grid.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes())

"""Teaches Pulse, lesson by lesson; stop it at any moment and call it again to go on.

python -m visualizer.pulse.train --folder pulse-run --minutes 150
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

import torch

from visualizer.pulse.course import FULL_COURSE, REHEARSAL
from visualizer.pulse.shelf import lesson_done
from visualizer.pulse.studio import Studio

LESSONS = (
    "autoencoder",
    "reader",
    "coarse",
    "fine",
    "distil",
    "recognizer",
    "colors",
    "finish",
)
HELPED = {"colors", "finish"}  # By the recognizer.


def read_arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m visualizer.pulse.train", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--folder", type=Path, default=Path("pulse-run"), help="where the work is kept")
    add("--minutes", type=float, default=150.0, help="time for all lessons together")
    add("--lessons", nargs="+", choices=LESSONS, default=LESSONS, help="only these, in this order")
    add("--begin", type=Path, help="a finished model to go on from, instead of nothing")
    add("--out", type=Path, help="where to write the model, finished or not")
    add(
        "--toy",
        action="store_true",
        help="a rehearsal: all of it in a minute, learning nothing",
    )
    add("--device", default="cpu", help="such as cpu or cuda")
    add("--threads", type=int, default=1, help="on a CPU; two on a busy machine are often slower")
    wanted = parser.parse_args(words)
    before = [lesson for lesson in LESSONS if lesson_done(wanted.folder, lesson)]
    for name in wanted.lessons:
        if name in HELPED and "recognizer" not in before:
            parser.error(f"--lessons {name}: needs the recognizer; put recognizer before it")
        before.append(name)
    return wanted


def main(words: list[str] | None = None) -> None:
    """Teaches until the lessons or the time are over."""
    wanted = read_arguments(words)
    torch.set_num_threads(wanted.threads)
    course = REHEARSAL if wanted.toy else FULL_COURSE
    studio = Studio(wanted.folder, course, torch.device(wanted.device), wanted.begin)
    end = time.monotonic() + 60.0 * wanted.minutes
    studio.draw()
    for name in wanted.lessons:
        if lesson_done(wanted.folder, name):
            continue
        lesson = getattr(studio, name)()
        over = lesson.learn((end - time.monotonic()) / 60.0)
        studio.shelf.keep(lesson, over)
        if not over:
            sys.stdout.write(f"{name}: {lesson.step} of {lesson.steps}; call again to go on\n")
            break
    if wanted.out:
        shutil.rmtree(wanted.out, ignore_errors=True)
        studio.shelf.write(wanted.out)


if __name__ == "__main__":
    main()

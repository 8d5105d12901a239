"""The flags that choose a painter and its model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from visualizer.cli import values
from visualizer.painters import PULSE

if TYPE_CHECKING:
    from visualizer.painters import Painter


def add_painting_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the groups "painter" and "diffusion" to a command that paints."""
    painter = parser.add_argument_group("painter")
    painter.add_argument(
        "--painter",
        choices=("scenes", "diffusion"),
        help="diffusion: with Pulse, the model in the box, or another by --model; scenes: without"
        " a model, several times as fast (default: diffusion; for drafts scenes)",
    )
    painter.add_argument(
        "--device", metavar="NAME", help="cpu, cuda, mps (default: the best at hand)"
    )
    diffusion = parser.add_argument_group(
        "diffusion", "what to paint with; see `visualizer models`"
    )
    _add_model(diffusion)
    _add_pictures(diffusion)


def _add_model(diffusion: argparse._ArgumentGroup) -> None:
    diffusion.add_argument(
        "--model",
        metavar="FOLDER|ID",
        help="a local folder, a hub id, or pulse: the one in the box (default: pulse)",
    )
    diffusion.add_argument(
        "--lora",
        action="append",
        default=[],
        metavar="FILE|ID[/FILE][:WEIGHT]",
        help="a style for the model, .safetensors; one named LCM, TCD, Hyper-SD, Lightning, DMD or"
        " Turbo also sets passes and guidance as it was trained (repeatable)",
    )
    diffusion.add_argument(
        "--vae", metavar="FOLDER|ID", help="a small autoencoder, such as madebyollin/taesd"
    )
    diffusion.add_argument("--steps", type=values.steps, help="passes of the model per frame")
    diffusion.add_argument(
        "--guidance", type=values.guidance, help="how literally prompts are taken, 0 to 30"
    )
    diffusion.add_argument(
        "--accept-licence",
        action="store_true",
        help="use a model whose licence limits commercial use",
    )


def _add_pictures(diffusion: argparse._ArgumentGroup) -> None:
    diffusion.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="start from a picture of yours; several are spread over the sections (repeatable)",
    )
    diffusion.add_argument(
        "--key",
        choices=("scenes",),
        help="begin each shot with the scenes painter's picture, painted over",
    )
    diffusion.add_argument(
        "--depth",
        default="guess",
        metavar="guess|off|FOLDER|ID",
        help="parallax: what is near moves more; guessed for your pictures, or found in every"
        " first picture by a model such as depth-anything/Depth-Anything-V2-Small-hf"
        " (default: guess)",
    )


def choose_painter(options: argparse.Namespace) -> None:
    """Fills in what was left open: scenes for drafts, else diffusion, with Pulse if no other."""
    if options.painter is None:
        asked = options.model is not None or options.image
        options.painter = "scenes" if options.draft and not asked else "diffusion"
    if options.painter == "diffusion" and options.model is None:
        options.model = PULSE


def load_chosen(options: argparse.Namespace, saved: Sequence[str] = ()) -> Painter:
    """The painter that was chosen; loaded first, so that a wrong model costs no time.

    Args:
        options: What was typed.
        saved: Pictures of a saved score; they and those typed are looked at before all else.

    Raises:
        VisualizerError: A picture cannot be opened, or the model cannot be loaded or used.
    """
    from visualizer.cli.console import note
    from visualizer.painters import ModelOptions, Outspoken, load_painter

    pictures = [*map(str, options.image), *saved]
    if pictures:
        from visualizer.painters.diffusion.key import check_picture

        for path in pictures:
            check_picture(path)
    wanted = ModelOptions(
        vae=options.vae,
        loras=tuple(options.lora),
        steps=options.steps,
        guidance=options.guidance,
        key=options.key,
        depth=options.depth,
        accept_licence=options.accept_licence,
    )
    painter = load_painter(options.painter, options.model, options.device, wanted)
    for line in painter.notes if isinstance(painter, Outspoken) else ():
        note(line)
    return painter

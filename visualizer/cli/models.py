"""The command that lists what diffusion can paint with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from visualizer.painters.diffusion.memory import Memory
    from visualizer.painters.diffusion.registry import KnownModel


def models(options: argparse.Namespace) -> None:
    """`visualizer models`: known models, their licences, and what suits this machine."""
    from visualizer.cli.console import console
    from visualizer.painters.device import choose_device
    from visualizer.painters.diffusion.memory import memory_of
    from visualizer.painters.diffusion.registry import downloaded, known_models

    memory = memory_of(choose_device(options.device))
    console.print(_table(known_models(), memory, downloaded()))
    for model in known_models():
        console.print(f"  {model.hub_id}: {model.note}; {model.terms}", highlight=False)
    console.print(
        "\nWithout --model paints Pulse, which comes along (Apache-2.0, fits any machine).\n"
        "Any other of these families works too, from the hub or from a folder: --model FOLDER|ID\n"
        "A model that is not free for commercial use asks for --accept-licence.\n"
        "Depth for --depth: depth-anything/Depth-Anything-V2-Small-hf (Apache-2.0).",
        highlight=False,
    )


def _table(known: tuple[KnownModel, ...], memory: Memory, here: frozenset[str]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    size = "unknown" if memory.gigabytes is None else f"{memory.gigabytes:.0f} GB"
    table = Table(title=f"memory of {memory.device}: {size}", title_justify="left")
    for column in ("model", "licence", "free for\ncommercial use", "memory", "fits", "size",
                   "steps:\nframe, key", "--vae", "on disk"):  # fmt: skip
        table.add_column(column, overflow="fold", no_wrap=column == "model")
    for model in known:
        fits = memory.gigabytes is None or model.memory <= memory.gigabytes
        table.add_row(
            model.hub_id,
            escape(model.licence),
            "yes" if model.commercial else "no",
            f"{model.memory:g} GB",
            "yes" if fits else "no",
            str(model.size),
            ", ".join(map(str, model.steps)),
            model.tiny,
            "yes" if model.hub_id in here else "",
        )
    return table

"""Runs a command; the only place that exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from visualizer.errors import VisualizerError

INTERRUPTED = 130  # What shells expect after Ctrl-C.


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns 0, 2 for a user's mistake, 130 for Ctrl-C."""
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except VisualizerError as error:
        print(f"visualizer: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "visualizer: stopped; the finished shots are kept, and the same command goes on"
            " from there",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`visualizer presets | head`): nothing to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: Sequence[str]) -> int:
    from visualizer.cli.parser import build_parser

    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.version:
        print(f"visualizer {version('visualizer')}")
        return 0
    if options.command is None:
        parser.print_help()
        return 0
    _command(options.command)(options)
    return 0


def _command(name: str) -> Callable[..., None]:
    """The function of a command; its module is imported only when it is asked for."""
    if name in ("analyze", "presets", "check"):
        from visualizer.cli import show

        return {"analyze": show.analyze, "presets": show.presets, "check": show.check}[name]
    if name == "models":
        from visualizer.cli.models import models

        return models
    if name == "benchmark":
        from visualizer.cli.benchmark import benchmark

        return benchmark
    from visualizer.cli import make

    return {"render": make.render, "demo": make.demo, "storyboard": make.storyboard}[name]

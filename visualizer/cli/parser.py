"""What can be typed: commands, flags and the help that teaches them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from visualizer.cli import values
from visualizer.cli.hearing import add_hearing_flags
from visualizer.cli.painting import add_painting_flags
from visualizer.errors import VisualizerError

EXAMPLES = """\
examples:
  visualizer demo                                   a film of the bundled track, in this folder
  visualizer render song.mp3                        song.mp4 beside the song
  visualizer render song.mp3 --preset night-drive --size shorts --start 0:45 --duration 30
  visualizer render song.mp3 --draft                small and fast, the same motion
  visualizer render song.mp3 --set motion.zoom.bass=0.3 --set scene=tunnel
  visualizer storyboard song.mp3                    what the film will look like, in seconds
  visualizer analyze song.mp3 --click               what the program hears, to see and to listen to
  visualizer presets                                the looks that come with the program
  visualizer models                                 what diffusion can paint with
"""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line and leaves the exit to the caller."""

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage."""
        raise VisualizerError(f"{message[0].lower()}{message[1:]}; see {self.prog} --help")


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(
        prog="visualizer",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES,
        description="A song in, a music video out: what it hears moves prompts, camera and light.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _render(commands)
    _demo(commands)
    _storyboard(commands)
    _analyze(commands)
    _presets(commands)
    _models(commands)
    _check(commands)
    _benchmark(commands)
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads the command line.

    Raises:
        VisualizerError: A flag or a value is wrong.
    """
    return build_parser().parse_args(arguments)


def _command(commands: Any, name: str, summary: str, text: str = "") -> Parser:
    parser: Parser = commands.add_parser(
        name,
        help=summary,
        description=text or summary[0].upper() + summary[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _render(commands: Any) -> None:
    parser = _command(
        commands,
        "render",
        "paint a song and write the film beside it",
        (
            "Paints a song and muxes the frames with the original sound.\n"
            "Writes song.mp4, song.score.json (the film as data: edit it and give it to --score)\n"
            "and song.report.txt (what the finished file really shows)."
        ),
    )
    parser.add_argument("song", type=Path, help="sound in any format ffmpeg reads, or a video")
    _film_flags(parser)
    _output_flags(parser)
    parser.add_argument(
        "--score",
        type=Path,
        metavar="FILE",
        help="paint a saved or edited score instead of composing one",
    )


def _demo(commands: Any) -> None:
    parser = _command(commands, "demo", "render the track that comes with the program")
    _film_flags(parser)
    _output_flags(parser)


def _storyboard(commands: Any) -> None:
    parser = _command(
        commands,
        "storyboard",
        "draw one frame per section or bar as a PNG",
        "Draws a contact sheet of the film, one frame per section or bar, in seconds.",
    )
    parser.add_argument("song", type=Path)
    _film_flags(parser)
    parser.add_argument(
        "--every",
        choices=("section", "bar"),
        default="section",
        help="what gets a frame (default: section)",
    )
    _out(parser, "a PNG or JPEG (default: song.storyboard.png)")


def _analyze(commands: Any) -> None:
    parser = _command(
        commands,
        "analyze",
        "show what is heard in a song",
        "Prints beats, tempo and sections; writes song.analysis.json (with its numbers"
        "\nin song.analysis.npz) and a picture, song.analysis.png, beside the song."
        "\nThe last line says where the time went. A song is heard once: later commands on the"
        "\nsame file take what was heard from the cache.",
    )
    parser.add_argument("song", type=Path)
    parser.add_argument(
        "--click",
        action="store_true",
        help="also write song.click.wav: the song with clicks on beats and bars",
    )
    parser.add_argument(
        "-o",
        "--output-folder",
        type=Path,
        metavar="FOLDER",
        help="where to write (default: beside the song)",
    )
    parser.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="write beats and sections as labels, to correct and give back: .txt (Audacity),"
        " .jams, .json",
    )
    add_hearing_flags(parser)


def _presets(commands: Any) -> None:
    parser = _command(commands, "presets", "list, show or copy the looks that come along")
    actions = parser.add_subparsers(
        dest="action", metavar="list | show | copy | reference | schema"
    )
    actions.add_parser("list", help="names and what they look like (the default)")
    show = actions.add_parser("show", help="print a preset")
    show.add_argument("name")
    copy = actions.add_parser("copy", help="copy a preset into this folder, to make it your own")
    copy.add_argument("name")
    copy.add_argument("to", nargs="?", type=Path, help="the new file (default: NAME.yaml here)")
    copy.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    actions.add_parser("reference", help="print every key of a preset, with range and meaning")
    actions.add_parser("schema", help="print the JSON Schema of a preset, for editors")


def _models(commands: Any) -> None:
    parser = _command(
        commands,
        "models",
        "list what diffusion can paint with",
        "Lists known models: licence, needs, whether they fit this machine and are on its disk.",
    )
    parser.add_argument(
        "--device", metavar="NAME", help="whose memory counts: cpu, cuda, mps (default: the best)"
    )


def _check(commands: Any) -> None:
    parser = _command(
        commands,
        "check",
        "read a finished film back and report on it",
        "Reads frame times, sync, flashes and loudness from a finished film.",
    )
    parser.add_argument("film", type=Path)


def _benchmark(commands: Any) -> None:
    parser = _command(
        commands,
        "benchmark",
        "measure this machine on a song",
        "Measures analysis, each painter, the encoder and the whole render.",
    )
    parser.add_argument("song", type=Path, nargs="?", help="default: the bundled track")
    parser.add_argument("--size", type=values.size, default=values.SIZES["draft"], metavar="WxH")
    parser.add_argument("--fps", type=values.fps, default=24)
    parser.add_argument(
        "--seconds",
        type=values.seconds,
        default=4.0,
        help="seconds of film per measurement (default 4)",
    )


def _film_flags(parser: Parser) -> None:
    look = parser.add_argument_group("look")
    look.add_argument("--preset", "-p", metavar="NAME|FILE", help="see `visualizer presets`")
    look.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="tweak the preset: motion.zoom.bass=0.3 (repeatable)",
    )
    look.add_argument(
        "--prompt", metavar="TEXT", help="what to paint: short for --set prompts.always=TEXT"
    )
    look.add_argument("--seed", type=values.whole, default=0, help="another number, another film")
    film = parser.add_argument_group("film")
    film.add_argument(
        "--size",
        type=values.size,
        metavar="WxH",
        help=f"pixels, or {', '.join(values.SIZES)} (default: 1280x720)",
    )
    film.add_argument("--fps", type=values.fps, help="frames per second, 1 to 120 (default: 30)")
    film.add_argument(
        "--draft", action="store_true", help="a third of the size, at 24 frames per second"
    )
    film.add_argument(
        "--start", type=values.time, default=0.0, metavar="TIME", help="seconds or 1:30"
    )
    film.add_argument("--duration", type=values.seconds, metavar="TIME", help="seconds or 1:30")
    add_painting_flags(parser)
    add_hearing_flags(parser)


def _output_flags(parser: Parser) -> None:
    parser.add_argument_group("output")
    _out(parser, "the film (default: beside the song)")
    parser.add_argument("--overwrite", action="store_true", help="replace the film if it exists")
    parser.add_argument(
        "--quality",
        type=values.quality,
        default=18,
        metavar="CRF",
        help="x264 quality, 0 to 40, lower is better (default: 18)",
    )


def _out(parser: Parser, text: str) -> None:
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=text)

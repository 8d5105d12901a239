"""How the values of flags are written, and what is said when they are not."""

from __future__ import annotations

import argparse
from pathlib import Path

SIZES = {
    "draft": (640, 360),
    "hd": (1280, 720),
    "fullhd": (1920, 1080),
    "2k": (2560, 1440),
    "4k": (3840, 2160),
    "shorts": (1080, 1920),
    "reels": (1080, 1920),
    "square": (1080, 1080),
    "portrait": (1080, 1350),
}
LARGEST = 8192


def size(text: str) -> tuple[int, int]:
    """Width and height in pixels, or the name of a platform's size."""
    if text in SIZES:
        return SIZES[text]
    width, x, height = text.lower().partition("x")
    if not (x and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; write WIDTHxHEIGHT, such as 1280x720, or {', '.join(SIZES)}"
        )
    sides = int(width), int(height)
    if any(side % 2 or not 16 <= side <= LARGEST for side in sides):
        raise argparse.ArgumentTypeError(
            f"{text}: both sides must be even and between 16 and {LARGEST} pixels"
        )
    return sides


def fps(text: str) -> int:
    """Whole frames per second."""
    return number(text, 1, 120, "a whole number of frames per second")


def quality(text: str) -> int:
    """x264's constant rate factor."""
    return number(text, 0, 40, "a whole number")


def steps(text: str) -> int:
    """Passes of a model per frame."""
    return number(text, 1, 100, "a whole number of passes")


def guidance(text: str) -> float:
    """Scale of classifier-free guidance."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 30.0:
        raise argparse.ArgumentTypeError(f"{text!r}: should be a number from 0 to 30; 1 is none")
    return value


def whole(text: str) -> int:
    """A number from 0 up."""
    return number(text, 0, 2**31 - 1, "a whole number")


def number(text: str, low: int, high: int, what: str) -> int:
    """A whole number in a range."""
    if not text.isdecimal() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r}: should be {what} between {low} and {high}")
    return int(text)


def time(text: str) -> float:
    """Seconds, or minutes and seconds."""
    minutes, colon, seconds = text.rpartition(":")
    try:
        value = float(seconds) + (60 * int(minutes) if colon else 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 90, 90.5 or 1:30") from None
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: a time cannot be negative or endless")
    return value


def seconds(text: str) -> float:
    """A length of time."""
    value = time(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text}: should be above 0 seconds")
    return value


def tempo(text: str) -> float | str:
    """Beats per minute, or half or double of what is heard."""
    if text in ("half", "double"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 20 <= value <= 400:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no tempo; write a number between 20 and 400, half or double"
        )
    return value


def meter(text: str) -> int:
    """Beats per bar."""
    return number(text, 1, 16, "a whole number of beats")


def stem(text: str) -> tuple[str, Path]:
    """A stem's name and its file."""
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise argparse.ArgumentTypeError(f"{text!r} is no stem; write NAME=FILE: drums=drums.wav")
    return name, Path(file)

"""Title and artist as a picture to lay over the first frames."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from visualizer.errors import VisualizerError
from visualizer.score import Title


def title_overlay(title: Title, width: int, height: int) -> NDArray[np.float32] | None:
    """Draws the title card.

    Returns:
        float32, shape (4, height, width): sRGB and coverage in [0, 1]; None where there is no text.

    Raises:
        VisualizerError: No font at hand has the letters.
    """
    lines = [(title.text.strip(), 0.062), (title.artist.strip(), 0.036)]
    lines = [(text, size) for text, size in lines if text]
    if not lines or title.seconds <= 0:
        return None
    coverage = Image.new("L", (width, height))
    draw = ImageDraw.Draw(coverage)
    margin, short = round(0.06 * min(width, height)), min(width, height)
    bottom: float = height - margin
    for text, size in reversed(lines):
        font, text = _fit(text, size * short, width - 2 * margin)
        box = draw.textbbox((0, 0), text, font=font)
        bottom -= box[3] - box[1]
        draw.text((margin - box[0], bottom - box[1]), text, font=font, fill=255)
        bottom -= round(0.02 * short)
    return _with_shadow(coverage, short)


def _with_shadow(coverage: Image.Image, short: int) -> NDArray[np.float32]:
    """White letters on a soft shadow, so that they read on any picture."""
    letters = np.asarray(coverage, np.float32) / 255.0
    blurred = coverage.filter(ImageFilter.GaussianBlur(0.012 * short))
    shadow = np.clip(np.asarray(blurred, np.float32) / 255.0 * 1.1, 0, 0.6)
    alpha = letters + (1.0 - letters) * shadow
    white = np.divide(letters, alpha, out=np.zeros_like(letters), where=alpha > 0)
    return np.stack([white, white, white, alpha])


def _fit(text: str, size: float, width: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """The font for a text, down to half its size, and then the text cut short, to fit a width."""
    path = _font_for(frozenset(text) - {" "} | {"…"})
    font = ImageFont.truetype(path, max(6, round(size)))
    if font.getlength(text) > width:
        smaller = size * max(0.5, width / font.getlength(text))
        font = ImageFont.truetype(path, max(6, int(smaller)))
    whole = text
    while font.getlength(text) > width and text:
        whole = whole[:-1]
        text = f"{whole.rstrip()}…"
    return font, text


@lru_cache
def _font_for(letters: frozenset[str]) -> str:
    """A font that has all the letters: DejaVu, which comes with matplotlib, or the system's."""
    from fontTools.ttLib import TTFont, TTLibError
    from matplotlib import font_manager, get_data_path

    ours = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    points = {ord(letter) for letter in letters}
    for path in [str(ours), *sorted(font_manager.findSystemFonts())]:
        try:
            with TTFont(path, fontNumber=0, lazy=True) as font:
                if points <= set(font.getBestCmap() or {}):
                    return path
        except (OSError, TTLibError, KeyError):
            continue  # A broken system font is not the user's mistake.
    raise VisualizerError(
        f"title: no font on this machine has all of {''.join(sorted(letters))!r};"
        " install one (Noto Sans has most scripts) or set effects.title.text"
    )

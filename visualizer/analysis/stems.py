"""The song's own stems: what is heard in one of them needs no guessing in the mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from visualizer.analysis.model import Analysis
from visualizer.errors import VisualizerError

STEMS = ("drums", "bass", "vocals", "other", "kick", "snare", "hat")
SAME = 0.2  # Seconds by which a stem may be longer or shorter: what encoders add and cut.
DRUMS = ("kick", "snare", "hat")
OWN = {"bass": "bass_note"}  # What a stem's onsets are called where it is not by its own name.


def use_stems(analysis: Analysis, stems: Mapping[str, Analysis]) -> Analysis:
    """Lets stems drive their own curves and events.

    Drums give kick, snare and hat, and the percussive curve; bass, vocals and other (all the rest)
    the curves bass, vocals and harmonic, bass its notes too; kick, snare and hat, each alone, its
    own hits.

    Args:
        analysis: Of the mix.
        stems: What was heard in each stem, by one of `STEMS`; each as long as the mix.

    Raises:
        VisualizerError: A stem has another length than the song.
    """
    for name, stem in stems.items():
        check_length(name, stem.duration, analysis.duration)
    events, curves = dict(analysis.events), dict(analysis.curves)
    length = len(analysis.chroma)
    for name, stem in stems.items():
        heard = {drum: stem.events[drum] for drum in DRUMS} if name == "drums" else {}
        if name in (*DRUMS, "bass"):
            heard = {OWN.get(name, name): stem.events["onset"]}
        events |= {drum: hits[hits <= analysis.duration] for drum, hits in heard.items()}
        if name in _CURVES:
            curves[_CURVES[name]] = _fitted(_envelope(name, stem), length)
    # A drum that has a stem of its own is heard best there, whatever the order.
    events |= {name: stems[name].events["onset"] for name in DRUMS if name in stems}
    return replace(analysis, events=events, curves=curves)


_CURVES = {"drums": "percussive", "bass": "bass", "vocals": "vocals", "other": "harmonic"}


def check_length(name: str, seconds: float, song: float) -> None:
    """Refuses a stem that is not as long as the song.

    Raises:
        VisualizerError: The lengths differ by more than `SAME`.
    """
    if abs(seconds - song) > SAME:
        raise VisualizerError(
            f"--stem {name}: lasts {seconds:.2f} s and the song {song:.2f} s;"
            " export the stem over the whole song"
        )


def _envelope(name: str, stem: Analysis) -> NDArray[np.float32]:
    """How much of a stem sounds at each moment, shape (n,), in [0, 1]."""
    if name == "drums":
        return stem.curves["percussive"]
    # A bass plays above the bass band, a voice below and above the middle one.
    return np.maximum(stem.curves["mid"], stem.curves["bass"] if name == "bass" else 0)


def _fitted(curve: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    return np.pad(curve, (0, max(0, length - len(curve))))[:length].astype(np.float32)

"""Analyses on disk: a JSON file a person can read, and its arrays in an npz beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import platformdirs

from visualizer.analysis.model import ANALYSIS_VERSION, CURVES, EVENTS, Analysis, Section
from visualizer.errors import VisualizerError
from visualizer.memory import return_freed_memory
from visualizer.stopwatch import stage
from visualizer.track import Track

PLAIN = ("duration", "tempo_bpm", "meter", "confidence", "rate", "key", "key_confidence")


def save_analysis(analysis: Analysis, path: Path) -> None:
    """Writes `path` (JSON: everything but the curves) and the curves beside it as `.npz`.

    Raises:
        VisualizerError: The folder cannot be written.
    """
    document = {
        "version": ANALYSIS_VERSION,
        **{name: getattr(analysis, name) for name in PLAIN},
        "sections": [vars(section) for section in analysis.sections],
        "events": {name: times.tolist() for name, times in analysis.events.items()},
    }
    arrays = {**analysis.curves, "chroma": analysis.chroma}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        part.replace(path.with_suffix(".npz"))
        part.write_text(json.dumps(document, indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        reason = error.strerror or error
        raise VisualizerError(
            f"{path}: cannot be written ({reason}); choose another folder"
        ) from error


def load_analysis(path: Path) -> Analysis:
    """Reads what `save_analysis` wrote.

    Raises:
        VisualizerError: A file is missing, damaged or of another version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("version") != ANALYSIS_VERSION:
            raise VisualizerError(
                f"{path}: version {document.get('version')} is not {ANALYSIS_VERSION};"
                " analyze the song again"
            )
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            return _restore(document, {name: arrays[name] for name in (*CURVES, "chroma")})
    except OSError as error:
        raise VisualizerError(
            f"{error.filename}: {error.strerror}; analyze the song again"
        ) from error
    except (AttributeError, BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        raise VisualizerError(f"{path}: is no saved analysis; analyze the song again") from error


def _restore(document: dict[str, Any], arrays: dict[str, Any]) -> Analysis:
    return Analysis(
        **{name: document[name] for name in PLAIN},
        events={name: np.array(document["events"][name], np.float64) for name in EVENTS},
        sections=tuple(Section(**section) for section in document["sections"]),
        chroma=arrays.pop("chroma"),
        curves=arrays,
    )


def analyze_cached(
    track: Track,
    folder: Path | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Analysis:
    """Analyzes a track, or reads what an earlier run heard in the same sound.

    Args:
        track: The song.
        folder: Where analyses are kept; the user's cache folder when omitted.
        on_progress: Called with the share of the song that has been read, in [0, 1].
    """
    home = folder or platformdirs.user_cache_path("visualizer") / "analysis"
    path = home / f"{track.fingerprint[:32]}-{ANALYSIS_VERSION}.json"
    if path.exists():
        try:
            return load_analysis(path)
        except VisualizerError:
            path.unlink(missing_ok=True)
    with stage("imports"):
        from visualizer.analysis.listen import analyze
    analysis = analyze(track, on_progress)
    return_freed_memory()
    with suppress(VisualizerError):  # A read-only home costs time on the next run, not this film.
        save_analysis(analysis, path)
    return analysis

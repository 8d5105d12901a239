"""JAMS, the annotated JSON of music information retrieval.

Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research" (ISMIR
2014); schema 0.3. Written out here because the library brings pandas along for three lists.
"""

from __future__ import annotations

import json
from typing import Any

from visualizer.analysis.labels.model import Labels, Mark

VERSION = "0.3.4"


def write_jams(labels: Labels, duration: float, title: str, artist: str) -> str:
    """Beats with their position in the bar, and sections as open segments."""
    beats = [
        _observation(mark, int(mark.text) if mark.text else None, 0.0) for mark in labels.beats
    ]
    sections = [_observation(mark, mark.text, mark.end - mark.start) for mark in labels.sections]
    document = {
        "file_metadata": {
            "title": title,
            "artist": artist,
            "release": "",
            "duration": duration,
            "identifiers": {},
            "jams_version": VERSION,
        },
        "annotations": [
            _annotation("beat", beats, duration),
            _annotation("segment_open", sections, duration),
        ],
        "sandbox": {},
    }
    return json.dumps(document, indent=1) + "\n"


def _observation(mark: Mark, value: int | str | None, duration: float) -> dict[str, Any]:
    return {"time": mark.start, "duration": duration, "value": value, "confidence": None}


def _annotation(namespace: str, data: list[dict[str, Any]], duration: float) -> dict[str, Any]:
    metadata = {
        "annotation_tools": "visualizer",
        "annotation_rules": "",
        "annotator": {},
        "corpus": "",
        "curator": {"name": "", "email": ""},
        "data_source": "program",
        "validation": "",
        "version": "",
    }
    return {
        "namespace": namespace,
        "data": data,
        "annotation_metadata": metadata,
        "sandbox": {},
        "time": 0,
        "duration": duration,
    }


def read_jams(document: Any) -> Labels:
    """The first annotation of beats and the first of segments.

    Raises:
        KeyError, TypeError, ValueError: The document is no JAMS.
    """
    found: dict[str, tuple[Mark, ...]] = {}
    for annotation in document["annotations"]:
        kind = str(annotation["namespace"]).replace("multi_segment", "segment").split("_")[0]
        if kind in ("beat", "segment"):
            found.setdefault(kind, tuple(_mark(each) for each in annotation["data"]))
    return Labels(found.get("beat", ()), found.get("segment", ()))


def _mark(observation: Any) -> Mark:
    value = observation["value"]
    if isinstance(value, dict):  # Namespaces "beat_position" and "multi_segment".
        value = value.get("position", value.get("label", ""))
    start = float(observation["time"])
    return Mark(start, start + float(observation["duration"]), "" if value is None else str(value))

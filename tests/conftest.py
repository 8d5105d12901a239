from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def can_be_interrupted() -> None:
    """A shell's background jobs are deaf to Ctrl-C, and so would be all that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def music() -> Path:
    """The folder of real songs with known truth; tests that need it are skipped without it."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "music" / "public"
    folder = Path(os.environ.get("VISUALIZER_MUSIC", beside))
    if not (folder / "truth.json").is_file():
        pytest.skip("no test music: set VISUALIZER_MUSIC to its folder")
    return folder


@pytest.fixture(scope="session")
def formats(music: Path) -> dict[str, dict[str, Any]]:
    """What is known of each file in the folder `formats`, by name."""
    truth = json.loads((music / "formats" / "truth.json").read_text(encoding="utf-8"))
    return {entry["file"]: entry for entry in truth["files"]}

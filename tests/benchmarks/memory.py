"""Does a long song need more memory than a short one?

Renders small films of synthesised songs with the real command and prints the peak resident memory
of the program, as the operating system counted it.

    python tests/benchmarks/memory.py --minutes 1 10 [--painter diffusion]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from clicktrack import click_times, clicks, write_song

ALLOWED = 1.05


def peak(song: Path, size: str, painter: str) -> float:
    """Megabytes that `visualizer render` held at the most."""
    flags = ["--fps", "24", "--size", size, "--painter", painter]
    command = [sys.executable, "-m", "visualizer", "render", str(song), *flags]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0, "the render failed"
    return usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--painter", default="scenes")
    options = parser.parse_args()

    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        for minutes in options.minutes:
            seconds = 60 * minutes
            song = Path(folder) / f"{minutes:g}.mp3"
            write_song(song, clicks(click_times(seconds), seconds))
            peaks.append(peak(song, options.size, options.painter))
            ratio = peaks[-1] / peaks[0]
            print(f"{minutes:>6g} min  {peaks[-1]:>7.0f} MB  x {ratio:.3f}", flush=True)
    sys.exit(peaks[-1] > ALLOWED * peaks[0])


if __name__ == "__main__":
    main()

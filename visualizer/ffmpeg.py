"""The ffmpeg program that pip brings along: start it, read from it, say why it failed.

Conventions: arguments are a list and never a shell line; what ffmpeg says goes to a temporary
file, so that no full pipe can stop it; the program never waits for the keyboard.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ADDRESS = re.compile(r"^(\[[^\]]*\] )+")  # "[flac @ 0x55f6] " before what is meant for people


@dataclass(frozen=True)
class Output:
    """What a finished ffmpeg left behind.

    Attributes:
        code: Exit status, 0 for success.
        log: What it said.
        text: Its standard output, where that was not read already.
    """

    code: int
    log: str
    text: str = ""


@dataclass(frozen=True)
class Pipe:
    """A running ffmpeg.

    Attributes:
        process: The program.
        messages: The temporary file it talks to.
    """

    process: subprocess.Popen[bytes]
    messages: IO[bytes]

    @property
    def output(self) -> IO[bytes]:
        """Where its output is read."""
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def input(self) -> IO[bytes]:
        """Where its input is written."""
        assert self.process.stdin is not None
        return self.process.stdin

    def finish(self) -> Output:
        """Closes its input, waits for it and collects what it said."""
        with suppress(BrokenPipeError):  # It may have stopped before it took everything.
            self.input.close()
        code = self.process.wait()
        return Output(code, _read(self.messages))


def executable() -> str:
    """Path of the ffmpeg program."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def source(path: Path, until: float | None = None) -> list[str]:
    """Arguments that open `path` as a file, whatever its name looks like, and nothing else.

    The whitelist keeps a playlist in disguise from fetching anything over the network.

    Args:
        path: The file.
        until: Second from which on nothing of it is read; None for all of it.
    """
    limit = [] if until is None else ["-t", f"{until:.6f}"]
    return [*limit, "-protocol_whitelist", "file,pipe", "-i", f"file:{path.absolute()}"]


def run(arguments: Sequence[str], level: str = "error") -> Output:
    """Runs ffmpeg to its end; the text it prints must be short enough to hold."""
    with tempfile.TemporaryFile() as text, tempfile.TemporaryFile() as log:
        done = subprocess.run(
            _command(arguments, level), stdin=subprocess.DEVNULL, stdout=text, stderr=log
        )
        return Output(done.returncode, _read(log), _read(text))


@contextmanager
def pipe(arguments: Sequence[str], level: str = "error") -> Iterator[Pipe]:
    """Runs ffmpeg beside the caller; it is stopped when the caller leaves early."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            _command(arguments, level),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
        )
        try:
            yield Pipe(process, messages)
        finally:
            _stop(process)


def reason(log: str) -> str:
    """The first thing ffmpeg complained about, on one line and without memory addresses."""
    lines = [ADDRESS.sub("", line).strip() for line in log.splitlines()]
    return next((line for line in lines if line), "ffmpeg gave no reason")


def _command(arguments: Sequence[str], level: str) -> list[str]:
    return [executable(), "-hide_banner", "-nostdin", "-nostats", "-v", level, *arguments]


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):  # Bytes that it had not taken yet.
                stream.close()

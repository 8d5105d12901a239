"""What a user should know about a file that is not whole."""

from __future__ import annotations

from pathlib import Path

OGG_PAGE = 65307  # Bytes at most.
STREAMED = 0xFFFFFF00  # Sizes above stand for "not known when the header was written".
SHORTFALL = 0.1  # Seconds by which a header may be wrong about a whole file.


def damage(path: Path, duration: float, promised: float | None, complaint: str) -> tuple[str, ...]:
    """Says in at most one line what is wrong with a file that could be read.

    Args:
        path: The file.
        duration: Seconds that could be decoded.
        promised: Seconds that its header speaks of, or None.
        complaint: The decoder's first complaint, or "".
    """
    if promised is not None and duration < promised - SHORTFALL:
        return (f"{path.name}: damaged; {duration:.1f} s of {promised:.1f} s could be read",)
    if complaint:
        return (f"{path.name}: damaged ({complaint}); {duration:.1f} s could be read",)
    if _is_cut_short(path):
        return (f"{path.name}: cut short; {duration:.1f} s could be read",)
    return ()


def _is_cut_short(path: Path) -> bool:
    """Whether a WAV, AIFF or Ogg file says itself that more should follow."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        file.seek(max(0, size - OGG_PAGE))
        tail = file.read()
    if head[:4] == b"OggS":  # RFC 3533: the last page carries the mark of the last.
        page = tail.rfind(b"OggS")
        return page < len(tail) - 6 and not tail[page + 5] & 4
    if head[:4] in (b"RIFF", b"FORM"):
        promised = int.from_bytes(head[4:], "little" if head[:4] == b"RIFF" else "big")
        return promised < STREAMED and size < promised + 8 - 1  # A pad byte may be missing.
    return False

"""What the C library does with memory: worth a third of the time of a large frame, and much RAM."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # From glibc's malloc.h.
_LARGE = 1 << 28


def keep_freed_memory() -> None:
    """Lets glibc reuse the memory of one field for the next; to be called before threads begin.

    As it is set up, glibc returns every block of a few megabytes to the kernel at once, and most
    of the time of a full-size operation goes into fetching it back page by page; and it gives
    each thread a heap of its own, so that what one has freed the next cannot use: 60 MB in a
    draft, 150 MB at 1280x720 (mallopt(3): M_TRIM_THRESHOLD, M_ARENA_MAX). Elsewhere than on glibc
    this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGE)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Gives back what a finished stage no longer uses, before the next one asks for its own.

    glibc keeps the holes that a stage leaves between small blocks (malloc_trim(3)): 60 MB after
    ten minutes of music. Elsewhere than on glibc this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FOUR_THREADS_IN_TURN = """
import threading
from pathlib import Path
import numpy as np
from visualizer.memory import keep_freed_memory, return_freed_memory

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

def work():
    np.ones(5_000_000)  # 40 MB.
    done.release()
    leave.wait()

keep_freed_memory()
done, leave, before = threading.Semaphore(0), threading.Event(), megabytes()
for _ in range(4):
    threading.Thread(target=work).start()
    done.acquire()
print(megabytes() - before)
return_freed_memory()
print(megabytes() - before)
leave.set()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc")
def test_what_one_thread_has_freed_serves_the_next_and_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FOUR_THREADS_IN_TURN], capture_output=True, text=True, check=True
    )
    kept, rest = map(float, done.stdout.split())
    assert 35 < kept < 60
    assert rest < 10

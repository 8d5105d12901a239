"""Keeps the picture of the architecture true: who may import whom, and how large things grow."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "visualizer"
ORDER = [
    "errors",
    "memory",
    "stopwatch",
    "ahead",
    "ffmpeg",
    "hub",
    "track",
    "curves",
    "analysis",
    "palette",
    "lexicon",
    "controls",
    "preset",
    "score",
    "camera",
    "painters",
    "pulse",
    "effects",
    "render",
    "video",
    "film",
    "storyboard",
    "report",
    "cli",
]
HOMES = {
    "librosa": ["track", "analysis"],
    "diffusers": ["painters/diffusion", "pulse"],
    "transformers": ["painters/diffusion", "pulse"],
    "tokenizers": ["pulse"],
    "huggingface_hub": ["hub", "analysis/separator", "painters/diffusion", "cli/models"],
    "demucs": ["analysis/separator"],
    "moviepy": ["video"],
    "imageio_ffmpeg": ["ffmpeg"],
    "coloraide": ["palette"],
    "ruamel": ["preset", "analysis/separator"],
    "rich": ["cli"],
    "argparse": ["cli", "analysis/training", "pulse"],
    "matplotlib": ["analysis", "effects/title"],
    "mido": ["analysis"],
}
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FUNCTION, LONGEST_FILE = 50, 300


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield from (
                [f"visualizer.{alias.name}" for alias in node.names]
                if node.module == "visualizer"
                else [node.module]
            )


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_module_imports_only_from_above_it(path):
    here = relative(path).split("/")[0]
    if here in ("__init__", "__main__"):
        return
    for name in imports(path):
        if name.startswith("visualizer."):
            there = name.split(".")[1]
            assert ORDER.index(there) <= ORDER.index(here), f"{here} imports {there}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_an_outside_library_stays_in_its_home(path):
    for name in imports(path):
        homes = HOMES.get(name.split(".")[0])
        if homes is not None:
            assert any(relative(path).startswith(home) for home in homes), f"{name} in {path}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= LONGEST_FUNCTION, f"{path.name}: {node.name} has {lines} lines"


def test_nothing_dangerous_is_called():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "__import__"), f"{path}: {node.func.id}"
        assert {"pickle", "marshal", "shelve", "dill"}.isdisjoint(imports(path)), path


HEAVY = (
    "torch",
    "librosa",
    "numba",
    "diffusers",
    "transformers",
    "moviepy",
    "matplotlib",
    "cv2",
    "scipy",
    "numpy",
    "pydantic",
)


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["render", "--help"]])
def test_help_loads_nothing_heavy(command):
    code = (
        "import sys; from visualizer.cli import main\n"
        "try:\n main(sys.argv[1:])\nexcept SystemExit: pass\n"
        f"print('HEAVY', [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "HEAVY []", done.stdout

"""Finds, reads, overrides and validates presets.

Layers are merged as plain mappings (file, then `--set`) and validated once, so a value is judged
where it was written and nothing is guessed. A preset is data: no tags, no anchors, no code.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from visualizer.errors import VisualizerError
from visualizer.preset.routes import DRIVERS
from visualizer.preset.schema import Preset

SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 256 * 1024
DEFAULT = "aurora-drift"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_PLACED = ("scene", "palette", "prompts")


def preset_dir() -> Path:
    """The folder of the presets that come along: in the package, or in the repository."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "presets"
    return installed if installed.is_dir() else package.parent / "presets"


def preset_names() -> list[str]:
    """Names of the presets that come with the program, sorted."""
    return sorted(path.stem for path in preset_dir().glob("*.yaml"))


def describe(name: str) -> str:
    """The first comment line of a preset: what it looks like.

    Raises:
        VisualizerError: There is no such preset.
    """
    first = find_preset(name).read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ").strip()


def find_preset(name: str) -> Path:
    """The file of a preset, by its name or by the path of a YAML file.

    Raises:
        VisualizerError: No preset has that name, or no file lies there.
    """
    if name.lower().endswith(SUFFIXES):
        path = Path(name).expanduser()
        if not path.is_file():
            raise VisualizerError(f"{name}: no such preset file")
        return path
    names = preset_names()
    if not _NAME.fullmatch(name) or name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}"
        raise VisualizerError(f"{name}: no such preset; {hint} (or give the path of a .yaml file)")
    return preset_dir() / f"{name}.yaml"


def load_preset(name: str, overrides: Sequence[str] = ()) -> Preset:
    """Reads a preset and lays `--set` overrides over it.

    Args:
        name: A preset's name, or the path of a YAML file.
        overrides: Texts such as "motion.zoom.bass=0.03"; the value is read as YAML.

    Raises:
        VisualizerError: One line for each mistake: file, line, key, value, and what is allowed.
    """
    path = find_preset(name)
    return parse_preset(
        _read(path), str(path) if path.parent != preset_dir() else path.name, overrides
    )


def parse_preset(text: str, source: str = "preset", overrides: Sequence[str] = ()) -> Preset:
    """Validates the text of a preset; `source` is the name that errors give to the file.

    Raises:
        VisualizerError: As `load_preset`.

    >>> parse_preset("scene: tunnel").scene
    {'always': 'tunnel'}
    """
    written = _parse_yaml(text, source)
    merged = _plain(written)
    origin: dict[tuple[str, ...], str] = {}
    for override in overrides:
        keys, value = _parse_override(override)
        _put(merged, keys, value, override)
        origin[keys] = f"--set {override}"
    try:
        return Preset.model_validate(merged)
    except ValidationError as error:
        found = error.errors()
        # A misspelt key also leaves the right one missing: say only the first.
        told = [e for e in found if e["type"] != "missing"] or found
        lines = [_explain(e, written, source, origin) for e in told]
        raise VisualizerError("\n".join(dict.fromkeys(lines))) from None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise VisualizerError(f"{path}: too large for a preset (over {MAX_BYTES // 1024} KiB)")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise VisualizerError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise VisualizerError(f"{path}: cannot be read: {error.strerror}") from None


def _parse_yaml(text: str, source: str) -> CommentedMap:
    yaml = YAML(typ="rt", pure=True)
    try:
        if any(isinstance(event, AliasEvent) for event in YAML(pure=True).parse(text)):
            raise VisualizerError(
                f"{source}: anchors and aliases are not used in presets; write it out"
            )
        document = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        problem = str(error.problem).partition("\n")[0]
        raise VisualizerError(f"{place}: not valid YAML: {problem}") from None
    except (YAMLError, RecursionError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        raise VisualizerError(f"{source}: not valid YAML: {problem}") from None
    if document is None:
        return CommentedMap()
    if not isinstance(document, CommentedMap):
        raise VisualizerError(f'{source}:1: a preset is made of "key: value" lines')
    return document


def _plain(value: object) -> Any:
    """Ruamel's round-trip types as plain ones, which strict validation asks for."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    path, equals, value = text.partition("=")
    keys = tuple(key.strip() for key in path.split("."))
    if not equals or not all(keys):
        raise VisualizerError(f"--set {text}: write key=value, such as motion.zoom.bass=0.03")
    if keys[0] in _PLACED and len(keys) > 2:
        keys = (keys[0], ".".join(keys[1:]))
    return keys, _plain(_parse_yaml(f"value: {value}", f"--set {text}")["value"])


def _put(tree: dict[str, Any], keys: tuple[str, ...], value: Any, text: str) -> None:
    """Sets a leaf, opening the short forms `zoom: 0.2` and `kick: 0.3` on the way."""
    for depth, key in enumerate(keys[:-1]):
        child = tree.get(key)
        if not isinstance(child, dict):
            tree[key] = child = {} if child is None else {_short(keys, depth): child}
        tree = child
    tree[keys[-1]] = value


def _short(keys: tuple[str, ...], depth: int) -> str:
    if keys[0] in _PLACED:
        return "always"
    return "gain" if keys[depth] in DRIVERS else "base"


def _explain(
    error: Mapping[str, Any],
    written: CommentedMap,
    source: str,
    origin: Mapping[tuple[str, ...], str],
) -> str:
    """One line: place, key, what is wrong, the value, and the nearest valid key."""
    keys = tuple(str(part) for part in error["loc"] if part != "[key]")
    place = (
        next((text for path, text in origin.items() if path == keys[: len(path)]), None)
        or f"{source}{_line(written, keys)}"
    )
    key = ".".join(keys) or "preset"
    if error["type"] == "extra_forbidden":
        return f"{place}: {key}: no such key; {_nearest(keys)}"
    if error["type"] == "missing":
        return f"{place}: {key}: has to be written here"
    value = error["input"]
    shown = "" if isinstance(value, Mapping) else f" (got {value!r})"
    return f"{place}: {key}: {_say(error)}{shown}"


def _say(error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message.removeprefix("Input ").replace("a valid dictionary", "a mapping")
    return message.split(" or instance of ")[0]


def _nearest(keys: tuple[str, ...]) -> str:
    valid = _valid_keys(keys[:-1])
    near = difflib.get_close_matches(keys[-1], valid, 1)
    return f"did you mean {near[0]}?" if near else f"allowed: {', '.join(valid)}"


def _valid_keys(parents: tuple[str, ...]) -> list[str]:
    """The keys a mapping at this place may have, found by walking the schema."""
    model: Any = Preset
    for key in parents:
        model = model.model_fields[key].annotation if key in model.model_fields else None
        model = _model_in(model)
        if model is None:
            return []
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside an annotation such as `Annotated[Drive, ...] | None`."""
    if hasattr(annotation, "model_fields"):
        return annotation
    inner: Iterable[Any] = getattr(annotation, "__args__", ())
    return next((model for part in inner if (model := _model_in(part)) is not None), None)


def _line(node: Any, keys: tuple[str, ...]) -> str:
    """The ":line:column" of the deepest part of `keys` that is written in the file."""
    mark: tuple[int, int] | None = None
    for key in keys:
        if isinstance(node, CommentedMap) and key in node:
            mark = node.lc.key(key)
            node = node[key]
        elif isinstance(node, CommentedSeq) and key.isdigit() and int(key) < len(node):
            mark = node.lc.item(int(key))
            node = node[int(key)]
        else:
            break
    return f":{mark[0] + 1}:{mark[1] + 1}" if mark else ""

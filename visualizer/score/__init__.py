"""The film as data: what every frame must show, before anything is painted."""

from visualizer.score.compose import FilmOptions, compose
from visualizer.score.saved import load_score, save_score, score_digest, score_text
from visualizer.score.types import Cue, Look, Paint, Pose, Score, Shot, Title

__all__ = [
    "Cue",
    "FilmOptions",
    "Look",
    "Paint",
    "Pose",
    "Score",
    "Shot",
    "Title",
    "compose",
    "load_score",
    "save_score",
    "score_digest",
    "score_text",
]

"""The one exception a user can cause, and what other libraries' say."""


class VisualizerError(Exception):
    """A mistake the user can mend: one line that names the place, the value and the remedy."""


def first_line(error: Exception) -> str:
    """What an error of another library says, in one line; its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

"""The one exception a user can cause."""


class VisualizerError(Exception):
    """A mistake the user can mend: one line that names the place, the value and the remedy."""

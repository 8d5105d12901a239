"""What each stretch of a song does: intro, verse, chorus, build, drop, break, outro."""

from __future__ import annotations

from visualizer.analysis.form import Form
from visualizer.analysis.model import Role, Section

HIGH, LOW = 0.8, 0.45  # Share of the way from the calmest to the fullest stretch.


def name_sections(form: Form) -> tuple[Section, ...]:
    """Gives each stretch of the form a role, by its energy, its rise and its place."""
    energy = form.energy
    span = max(float(energy.max() - energy.min()), 1e-6)
    share = (energy - energy.min()) / span if span > 0.08 else energy * 0 + 0.6
    count = len(form.labels)
    roles: list[Role] = [_plain_role(float(share[i])) for i in range(count)]
    for i in range(count - 1):
        leaps = share[i + 1] > HIGH and share[i + 1] - share[i] > 0.2
        if leaps and form.slope[i] > 0.12 and i > 0:
            roles[i], roles[i + 1] = "build", "drop"
    _name_ends(roles, share.tolist(), form)
    bounds = form.bounds.tolist()
    return tuple(Section(bounds[i], bounds[i + 1], form.labels[i], roles[i]) for i in range(count))


def _plain_role(share: float) -> Role:
    if share > HIGH:
        return "chorus"
    return "break" if share < LOW else "verse"


def _name_ends(roles: list[Role], share: list[float], form: Form) -> None:
    """The first stretch leads in and the last leads out, where they are calmer than the rest."""
    if len(roles) < 3:
        return
    if share[0] < HIGH:
        roles[0] = "intro"
    if share[-1] < HIGH:
        roles[-1] = "outro"

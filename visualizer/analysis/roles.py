"""What each stretch of a song does: intro, verse, chorus, build, drop, break, outro.

Rules, not statistics: energy says how full a stretch is, its rise whether it leads somewhere, and
its place the rest. A drop is the return of the bass after a build.
"""

from __future__ import annotations

import numpy as np

from visualizer.analysis.form import Form, Stretch
from visualizer.analysis.model import Role, Section

FULL, EMPTY = 0.7, 0.35  # Share of the way from the calmest stretch to the fullest.
STEADY = 0.08  # Songs whose energy varies less have no calm and no full stretches.
RISE, RETURN = 0.1, 0.12  # Of tension in a build; of bass at the drop.


def name_sections(form: Form) -> tuple[Section, ...]:
    """Gives each stretch of the form its role."""
    stretches = form.stretches
    share = _shares(stretches)
    roles = [_plain_role(value) for value in share]
    for i in range(len(stretches) - 1):
        if _drops(stretches[i], stretches[i + 1], share[i + 1]):
            roles[i], roles[i + 1] = "build", "drop"
    if len(roles) > 2:
        roles[0] = "intro" if roles[0] != "build" and share[0] < FULL else roles[0]
        roles[-1] = "outro" if share[-1] < FULL else roles[-1]
    return tuple(
        Section(s.start, s.end, s.label, role) for s, role in zip(stretches, roles, strict=True)
    )


def _shares(stretches: tuple[Stretch, ...]) -> list[float]:
    energy = np.array([stretch.energy for stretch in stretches])
    if np.ptp(energy) < STEADY:
        return [(FULL + EMPTY) / 2] * len(energy)
    return [float(x) for x in (energy - energy.min()) / np.ptp(energy)]


def _plain_role(share: float) -> Role:
    if share > FULL:
        return "chorus"
    return "break" if share < EMPTY else "verse"


def _drops(before: Stretch, after: Stretch, share: float) -> bool:
    rising = before.rise > RISE
    return rising and share > FULL and after.bass - before.lead > RETURN

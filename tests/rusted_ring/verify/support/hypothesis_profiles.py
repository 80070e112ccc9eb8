"""Hypothesis profiles of the suite, registered on import: `desk`, small, and `ci`, larger [ERR-1].

The environment's `HYPOTHESIS_PROFILE` names the one that is loaded; `desk` if it names none.
"""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

PHASES: Final = (Phase.explicit, Phase.generate, Phase.shrink)
ALL_HEALTH_CHECKS: Final = (
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
    HealthCheck.too_slow,
)
DESK_STEPS: Final = 10_000
CI_STEPS: Final = 20_000  # CI makes longer runs of the native backend by `rusted-ring diff`


def register_profiles() -> None:
    """Register both profiles with Hypothesis and load the one that the environment names, or `desk`."""
    common = settings(
        database=None,
        deadline=None,
        phases=PHASES,
        suppress_health_check=ALL_HEALTH_CHECKS,
        print_blob=False,
    )
    settings.register_profile("desk", common, max_examples=40, stateful_step_count=40)
    settings.register_profile("ci", common, max_examples=200, stateful_step_count=80)
    settings.load_profile(profile_name())


def profile_name() -> str:
    """Return the name of the profile that the environment names, or `desk`."""
    return os.environ.get("HYPOTHESIS_PROFILE", "desk")


def differential_steps() -> int:
    """Return how many steps a differential test makes at the profile chosen."""
    return CI_STEPS if profile_name() == "ci" else DESK_STEPS


register_profiles()

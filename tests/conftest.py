"""Fixtures that every test may ask for, and how property tests draw their examples."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["shared.testing.servers", "shared.testing.running_stack"]

# No test asserts a time, Hypothesis's neither: on a busy machine an example takes as long as it takes. And every run draws the
# same examples; `task test:deep` draws others.
settings.register_profile(
    "marketplace",
    deadline=None,
    derandomize=os.environ.get("TEST_DEPTH") != "deep",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("marketplace")

"""Fixtures that every test may ask for."""

from hypothesis import settings

pytest_plugins = ["shared.testing.servers", "shared.testing.running_stack"]

# No test asserts a time, Hypothesis's neither: on a busy machine an example takes as long as it takes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

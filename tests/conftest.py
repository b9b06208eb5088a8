"""For all tests: ``pytest --hypothesis-profile=long`` looks twenty times as hard."""

from hypothesis import settings

settings.register_profile("long", max_examples=2000)

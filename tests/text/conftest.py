"""Settings of the property tests."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None, max_examples=50)  # a busy machine may be slow
settings.load_profile("untimed")

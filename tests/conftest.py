"""Settings that every test shares."""

import os

from hypothesis import settings

# Set before matplotlib and SDL are first imported: the tests never open a window.
os.environ["MPLBACKEND"] = "Agg"
os.environ["SDL_VIDEODRIVER"] = "dummy"

settings.register_profile("skampo", derandomize=True, deadline=None)
settings.load_profile("skampo")

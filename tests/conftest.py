"""Settings that every test shares."""

import os

from hypothesis import settings

# Set before numpy is first imported: a process for each core needs one thread. Who sets
# other numbers gets them; `tests/utils/test_threads.py` sets its own.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# Set before matplotlib and SDL are first imported: the tests never open a window.
os.environ["MPLBACKEND"] = "Agg"
os.environ["SDL_VIDEODRIVER"] = "dummy"

settings.register_profile("skampo", derandomize=True, deadline=None)
settings.load_profile("skampo")

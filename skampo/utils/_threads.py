"""
One thread for small work.

The fits of an iteration take milliseconds. More threads than one hardly help them, spin
for many times as long where another process wants the core, and split sums in another
order, so that the last bits would depend on the machine's number of cores.
"""

import sys
import threading
from contextlib import contextmanager

from joblib import parallel_config

# Not among the dependencies in pyproject.toml: scikit-learn limits its own threads with
# it, so that it is there, in a version that fits.
from threadpoolctl import ThreadpoolController

#: From so many numbers on, OpenMP's threads save seconds.
LARGE = 10**7


@contextmanager
def limit_threads(size=0):
    """
    Run the block, or the function it decorates, on one thread.

    Linear algebra always gets one, whose sums otherwise depend on the number of
    threads; OpenMP's loops get one for work of fewer than `LARGE` numbers.
    """
    allowed, wanted = _here.allowed, "many" if size >= LARGE else "one"
    if allowed == wanted:
        # Within a block of the same kind there is nothing to change.
        yield
        return
    try:
        _here.allowed = wanted
        with _linear, _open_mp(is_outermost=allowed is None):
            yield
    finally:
        _here.allowed = allowed


def in_order():
    """
    Let joblib run what a model does in the block as one job, whatever was asked for.

    Forests add up their trees in the order in which threads end, and bagging by job:
    the last bits of a prediction would differ from run to run, and all that is fitted
    to it afterwards. A `FeatureUnion` or `ColumnTransformer` would ask a cluster for
    workers at every block of rows.
    """
    return parallel_config(backend="sequential")


class _Here(threading.local):
    """What this thread is allowed, and OpenMP's numbers of threads without limits."""

    # Each thread has numbers of its own, which those that it starts do not inherit.
    allowed, numbers = None, None


class _Libraries:
    """The thread pools of all libraries that are loaded."""

    n_modules = 0
    loaded = ()

    def __call__(self, user_api):
        # Looking for them takes milliseconds, and imports are what loads more.
        if len(sys.modules) != self.n_modules:
            n_modules, self.loaded = len(sys.modules), _find()
            self.n_modules = n_modules
        return [library for library in self.loaded if library.user_api == user_api]


def _find():
    return [
        library
        for library in ThreadpoolController().lib_controllers
        # OpenBLAS on top of OpenMP has OpenMP's number of threads, which is limited.
        if library.internal_api != "openblas" or library.threading_layer != "openmp"
    ]


class _Linear:
    """One thread for linear algebra while anyone asks for it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.users, self.before = 0, []

    def __enter__(self):
        # The number belongs to the process: of threads that overlap, the first to come
        # changes it and the last to go restores it.
        with self.lock:
            if self.users == 0:
                self.before = _numbers("blas")
                _set(self.before, _single(self.before))
            # Last: whoever counts without a limit would keep others from setting one.
            self.users += 1

    def __exit__(self, *_):
        with self.lock:
            self.users -= 1
            if self.users == 0:
                _set(_single(self.before), self.before)


@contextmanager
def _open_mp(is_outermost):
    """One thread for OpenMP in this thread, or the number without limits."""
    now = _numbers("openmp")
    if is_outermost:
        _here.numbers = {library.filepath: number for library, number in now}
    wanted = _single(now)
    if _here.allowed == "many":
        wanted = [(lib, _here.numbers.get(lib.filepath, n)) for lib, n in now]
    _set(now, wanted)
    try:
        yield
    finally:
        _set(wanted, now)


def _numbers(user_api):
    return [(library, library.num_threads) for library in _libraries(user_api)]


def _single(numbers):
    return [(library, 1) for library, _ in numbers]


def _set(now, wanted):
    """Change the numbers of threads where they are not what is wanted."""
    for (library, number), (_, other) in zip(now, wanted, strict=True):
        if number != other:
            _let_go(library)
            library.set_num_threads(other)
            _let_go(library)


def _let_go(library):
    """
    Let any thread set the number.

    From threadpoolctl 3.8 on only the thread that was the first may do so; others are
    ignored without a word.
    """
    clear = getattr(library, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


_here, _libraries, _linear = _Here(), _Libraries(), _Linear()

"""Whether an environment shows the same again when it is given the same seed."""

from contextlib import contextmanager

import numpy as np

from skampo.rollouts._observations import ObservationEncoder


def reset_and_compare(environment, seed, reset):
    """
    Call `reset`, and tell whether an earlier reset with this seed showed the same.

    The earlier one is a reset of the innermost environment alone, and what is compared
    is what that shows: wrappers may count resets, or average over them. It is called
    once by itself and once on the way, so that nothing is different afterwards.
    """
    inner, rows = environment.unwrapped, []
    if not getattr(inner, "shows_inside", True):
        return reset(), True
    try:
        own, attributes = inner.reset, vars(inner)
        encode = ObservationEncoder(inner.observation_space).encode
        # A copy: many environments write into the array that they have returned.
        expected = encode(own(seed=seed)[0]).copy()
    # The reset that follows says what is wrong.
    except (Exception, SystemExit):
        return reset(), True

    def watched(*args, **kwargs):
        result = own(*args, **kwargs)
        # With another seed, or options, it may well show something else.
        if kwargs.get("seed") in (None, seed) and not kwargs.get("options"):
            rows.extend(_encoded(encode, result))
        return result

    with _replaced(attributes, "reset", watched):
        result = reset()
    # That they are not finite is said where observations are checked.
    same = [np.array_equal(row, expected, equal_nan=True) for row in rows]
    return result, not same or any(same)


@contextmanager
def _replaced(attributes, name, value):
    """Set an attribute for a while."""
    before = dict(attributes)
    attributes[name] = value
    try:
        yield
    finally:
        # What the class defines comes back by itself.
        del attributes[name]
        if name in before:
            attributes[name] = before[name]


def _encoded(encode, result):
    """The encoded observation of a reset; nothing if it is malformed."""
    try:
        return [encode(result[0]).copy()]
    except Exception:
        return []

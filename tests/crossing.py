"""Combinations of parts, of which the default run takes a share."""

from itertools import product

import pytest


def crossed(*choices, share):
    """All combinations; slow but for every `share`-th, in which any two parts meet."""
    found = []
    for numbers in product(*(range(len(values)) for values in choices)):
        parts = [values[i] for values, i in zip(choices, numbers, strict=True)]
        slow = [pytest.mark.slow] if sum(numbers) % share else []
        found.append(pytest.param(*parts, marks=slow))
    return found

"""Parameters that estimators share."""

from skampo.utils._validation import Interval, Nothing, check_argument

__all__ = ["check_options"]

_CONSTRAINTS = {
    "gamma": Interval(float, 0, 1),
    "confidence": Interval(float, 0, 1, high_open=True),
    "n_bootstraps": Interval(int, 0),
    "n_refits": Interval(int, 2),
    "n_splits": Interval(int, 2),
    "n_sweeps": Interval(int, 1) | Nothing,
}


def check_options(owner, **options):
    """Refuse the first of these parameters of a function that is not accepted."""
    for name, value in options.items():
        check_argument(owner, name, value, _CONSTRAINTS[name])

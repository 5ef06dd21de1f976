"""Warnings that point at the line of the user."""

import sys
import warnings

# Between the line that called and the one that warns: decorators, and workers.
_INNER = {"skampo", "sklearn", "contextlib", "joblib"}


def warn_user(message):
    """Warn at the innermost line outside of skampo and scikit-learn."""
    frame, level = sys._getframe(1), 2
    while frame is not None and _is_inner(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def _is_inner(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] in _INNER

"""States in which exported policies are compared with their policies."""

import numpy as np


def states_of(policy, n, center=(2.0, 1.0), scale=1.0):
    """About the center and far off, half of them where trees may split."""
    rng = np.random.default_rng(0)
    if policy.n_features_in_ == 1:
        # Also numbers that were never seen.
        return rng.integers(-4, 18, size=(n, 1)).astype(float)
    widths = 10 ** rng.uniform(-0.5, 1.5, size=(n, 1))
    rows = widths * rng.standard_normal((n, policy.n_features_in_))
    rows = np.resize(center, policy.n_features_in_) + scale * rows
    return np.where(rng.random(rows.shape) < 0.5, np.round(2 * rows) / 2, rows)

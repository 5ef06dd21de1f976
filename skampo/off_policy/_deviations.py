"""Where a policy does something else than what was logged, told by columns."""

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from skampo.data._tables import is_table
from skampo.off_policy._suspicions import as_codes, columns_of

_DEPTH = 3
# Smaller groups, and smaller shares, differ by chance.
_SMALLEST, _PART, _LEAST = 25, 20, 0.02


def deviating_columns(states, agreement):
    """
    Which columns explain how much a policy agrees with a log, the largest first.

    By name the share of the variance of the agreement, the probability that the policy
    gives to what was done, that a tree of depth three explains by the column in rows
    that it was not fitted to; columns that explain less than 2 % are left out.
    """
    names = list(states.columns) if is_table(states) else None
    X = np.column_stack([as_codes(column) for column in columns_of(states)])
    names = names or [f"x{i}" for i in range(X.shape[1])]
    fitted, held_out = slice(0, None, 2), slice(1, None, 2)
    smallest = max(_SMALLEST, len(X[fitted]) // _PART)
    if len(X[fitted]) < 2 * smallest:
        return {}
    tree = DecisionTreeRegressor(
        max_depth=_DEPTH, min_samples_leaf=smallest, random_state=0
    )
    # Codes of categories are numbers already, and a tree can pass over what is missing.
    shares = tree.fit(X[fitted], agreement[fitted]).feature_importances_
    shares = shares * tree.score(X[held_out], agreement[held_out])
    order = np.argsort(-shares, kind="stable")
    return {
        str(names[i]): round(float(shares[i]), 3) for i in order if shares[i] >= _LEAST
    }

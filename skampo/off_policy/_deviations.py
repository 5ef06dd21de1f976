"""Where a policy does something else than what was logged, told by columns."""

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from skampo.data._tables import is_table
from skampo.off_policy._suspicions import as_codes, columns_of

__all__ = ["deviating_columns"]

_DEPTH = 3
# Smaller groups differ by chance.
_SMALLEST, _SHARE = 20, 50


def deviating_columns(states, agreement):
    """
    Tell which columns explain how much a policy agrees with a log.

    Parameters
    ----------
    states : ndarray or data frame of shape (n, n_features)
        What was seen.
    agreement : ndarray of shape (n,)
        Probability that the policy gives to what was done.

    Returns
    -------
    dict of str to float
        For each column the share of the variance of the agreement that a tree of depth
        three explains by it, largest first; columns that explain less than 1 % are
        left out.

    See Also
    --------
    PolicyReport : Shows them.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.off_policy._deviations import deviating_columns
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> deviating_columns(X, X[:, 1] > 0)
    {'x1': 1.0}
    """
    names = list(states.columns) if is_table(states) else None
    X = np.column_stack([as_codes(column) for column in columns_of(states)])
    names = names or [f"x{i}" for i in range(X.shape[1])]
    smallest = max(_SMALLEST, len(X) // _SHARE)
    if len(X) < 2 * smallest:
        return {}
    tree = DecisionTreeRegressor(
        max_depth=_DEPTH, min_samples_leaf=smallest, random_state=0
    )
    # Codes of categories are numbers already, and a tree can pass over what is missing.
    shares = tree.fit(X, agreement).feature_importances_
    shares = shares * max(tree.score(X, agreement), 0.0)
    order = np.argsort(-shares, kind="stable")
    return {
        str(names[i]): round(float(shares[i]), 3) for i in order if shares[i] >= 0.01
    }

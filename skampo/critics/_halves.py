"""What the halves of a log say of each other."""

import numpy as np

from skampo.critics._classifiers import boosted_trees, folds_of, log_loss
from skampo.features._blocks import taken

# Fewer rows tell nothing.
_FEW = 300
# Longer logs are thinned out evenly.
_MANY = 10_000


def saved_surprise(group, observations, actions):
    """
    Share of the surprise at the actions that knowing a group of rows saves.

    Boosted trees predict them in held-out blocks of rows, with and without it. Rows of
    one policy save nothing, whatever their states are: both see all rows.
    """
    rows = np.arange(0, len(actions), 1 + len(actions) // _MANY)
    X, y = np.asarray(taken(observations, rows)), actions[rows]
    # Names and categories are left to the classifier of the log.
    if len(y) < _FEW or X.dtype.kind not in "biuf":
        return 0.0
    folds = folds_of(len(y))
    before, after = (
        sum(_loss_without(folds == fold, Z, y) for fold in np.unique(folds))
        for Z in (X, np.column_stack([X, group[rows]]))
    )
    return 1 - after / before if before > 0 else 0.0


def _loss_without(held, X, y):
    """Log-loss in the rows that are held out."""
    classes = np.unique(y[~held])
    # Boosting has two columns even for the only action that was ever taken.
    if len(classes) < 2:
        return 0.0
    # They draw nothing, and take no seed from anybody. There are six of them: half as
    # many trees that learn twice as much tell the same.
    sizes = {"max_leaf_nodes": 8, "max_iter": 25, "learning_rate": 0.2}
    trees = boosted_trees(**sizes, random_state=0).fit(X[~held], y[~held])
    return log_loss(trees.predict_proba(X[held]), classes, y[held])

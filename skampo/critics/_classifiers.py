"""Classifiers of the actions of a log."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo.features._lending import lend
from skampo.regressors._default import kernel_and_columns
from skampo.utils._sklearn import Documented
from skampo.utils._threads import in_order

# An action that was never seen is penalized as one of this probability.
_RAREST = 0.01
# Inverse penalties, from one that leaves little but the frequencies.
_PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0)
_FOLDS = 3
# Rows that follow each other are alike: whole blocks of them are held out.
_BLOCKS = 30
# Fewer rows do not tell which one is better.
_FEW = 300


class LinearAndTrees(Documented, ClassifierMixin, BaseEstimator):
    """
    A linear classifier, or its mean with trees where that predicts better.

    The linear classifier is fitted to all rows, which choose its penalty. With this
    one it is fitted again, as are trees, without every third of thirty blocks of rows
    that follow each other. Where the mean of their probabilities has a smaller
    log-loss in these blocks than the linear classifier alone, trees have a share of one
    half, else none. Of fewer than 300 rows trees have no share.

    Attributes
    ----------
    models_ : list of estimators
        The linear classifier, and trees if they have a share, fitted to all rows.
    losses_ : list of float
        Log-loss of the linear classifier and of the mean in the blocks that were held
        out, empty if the rows are too few to tell.
    """

    def __init__(self, linear, trees):
        self.linear = linear
        self.trees = trees

    def fit(self, X, y):
        """Fit to all rows, and choose whether trees have a share."""
        X, y = np.asarray(X), np.asarray(y)
        self.models_ = [clone(self.linear).fit(X, y)]
        self.classes_ = self.models_[0].classes_
        self.losses_ = self._judge(X, y)
        if self.losses_ and self.losses_[1] < self.losses_[0]:
            self.models_.append(clone(self.trees).fit(X, y))
        return self

    def _judge(self, X, y):
        held = folds_of(len(y)) == 1
        classes = np.unique(y[~held])
        if len(y) < _FEW or len(classes) < 2:
            return []
        pair = with_chosen_penalty(self.models_[0]), clone(self.trees)
        models = [model.fit(X[~held], y[~held]) for model in pair]
        return [
            log_loss(mean_proba(some, X[held]), classes, y[held])
            for some in (models[:1], models)
        ]

    def chosen(self):
        """An unfitted classifier with the penalty and the trees that were chosen."""
        from sklearn.ensemble import VotingClassifier

        linear, *trees = self.models_
        models = with_chosen_penalty(linear), *map(clone, trees)
        named = [(str(i), model) for i, model in enumerate(models)]
        return VotingClassifier(named, voting="soft")

    def predict_proba(self, X):
        """Estimate the probabilities of the actions."""
        return mean_proba(self.models_, X)

    def predict(self, X):
        """Say which action is the most likely."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def as_chosen(fitted):
    """An unfitted classifier with the choices of a fitted one, if it made any."""
    return fitted.chosen() if hasattr(fitted, "chosen") else clone(fitted)


def with_chosen_penalty(fitted):
    """An unfitted linear classifier with the penalty that cross validation chose."""
    name, last = fitted.steps[-1]
    logistic = LogisticRegression(C=last.C_, max_iter=last.max_iter, tol=last.tol)
    return clone(fitted).set_params(**{name: logistic})


def folds_of(n_rows):
    """Numbers of the folds of rows, in which blocks that follow each other are one."""
    return np.arange(n_rows) * _BLOCKS // n_rows % _FOLDS


def mean_proba(models, X):
    """Mean of the probabilities of models that were fitted to the same classes."""
    return np.mean([model.predict_proba(X) for model in models], axis=0)


def log_loss(proba, classes, y):
    """Mean surprise of the actions, at most that of what was never seen."""
    column = np.minimum(classes.searchsorted(y), len(classes) - 1)
    found = np.where(classes[column] == y, proba[np.arange(len(y)), column], 0.0)
    return float(-np.mean(np.log(np.maximum(found, _RAREST))))


def estimate(classifier, observations, n_actions):
    """Probabilities of all actions, at least those of the rarest."""
    proba = np.zeros((len(observations), n_actions))
    seen = classifier.classes_
    # Boosting has two columns even for the only action that was ever taken.
    lent = lend(classifier, observations)
    with in_order():
        proba[:, seen] = classifier.predict_proba(lent) if len(seen) > 1 else 1.0
    return np.maximum(proba, _RAREST)


def default_classifier(*, table=False):
    """The classifier of a logged policy, see `Pessimistic.default_classifier`."""
    if table:
        return boosted_trees(max_leaf_nodes=8, min_samples_leaf=100)
    logistic = LogisticRegressionCV(
        Cs=_PENALTIES,
        # In the order of the rows: stratified folds warn where an action is rare.
        cv=KFold(_FOLDS),
        scoring="neg_log_loss",
        # scikit-learn warns where this or `use_legacy_attributes` is not set.
        l1_ratios=(0.0,),
        max_iter=1000,
        tol=1e-3,
        use_legacy_attributes=False,
    )
    parts = make_pipeline(StandardScaler(), kernel_and_columns(), logistic)
    # Nobody sees its features: they need no names.
    return LinearAndTrees(parts.set_output(transform="default"), boosted_trees())


def boosted_trees(max_iter=50, **sizes):
    """Few boosted trees."""
    # Importing it takes a third of the time that importing skampo takes.
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=max_iter, early_stopping=False, **sizes
    )

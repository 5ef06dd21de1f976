"""Where fitted Q evaluation ends, and its error, in few passes over the rows."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skampo.critics._influence import value_and_influence
from skampo.critics._lstdq import FixedPoint
from skampo.critics._targets import StoredSteps, SweepTargets
from skampo.exceptions import InvalidParameterError
from skampo.features._lending import as_numbers, unwrap
from skampo.features._split import FeatureView, fit_features, transform
from skampo.features._steps import split_features
from skampo.off_policy._trajectories import action_proba, first_rows
from skampo.off_policy._values import prepared
from skampo.regressors import linear_form


@dataclass(frozen=True, eq=False)
class PointEstimate:
    """A value where episodes begin, and what each episode adds to its error."""

    estimate: float
    influence: np.ndarray

    @classmethod
    def of(cls, policy, log, gamma, regressor, seed):
        """Solve for the weights that reproduce themselves by a sweep."""
        front, form = _take_apart(prepared(regressor, log.columns))
        rows = log.transitions()
        steps, n_actions = StoredSteps.of(rows), len(log.classes)
        view = FeatureView(steps.states)
        fitted = _fit(front, form, rows.observations, np.random.default_rng(seed))
        features = as_numbers(view.rounded(fitted))
        proba = action_proba(policy, unwrap(steps.states), log.classes)
        targets = SweepTargets.of(proba, steps, rows, gamma, 0.0)
        point = FixedPoint(features, n_actions, _penalties(form, features.shape[1]))
        point.solve(targets)
        mean, influence = value_and_influence(point, targets, first_rows(log))
        return cls(targets.unit * mean, targets.unit * influence)

    def interval(self, confidence):
        """The estimate and a multiple of the root of the sum of squared influences."""
        n_episodes = len(self.influence)
        if n_episodes < 3:
            return np.nan, np.nan
        multiple = t.ppf((1 + confidence) / 2, n_episodes - 2)
        margin = multiple * np.sqrt(np.sum(self.influence**2))
        return self.estimate - margin, self.estimate + margin


def _take_apart(regressor):
    """Unfitted features, None if there are none, and the form of the linear model."""
    front, model = split_features(regressor)
    form = linear_form(model)
    if not hasattr(form, "fit_intercept"):
        raise InvalidParameterError(
            "n_bootstraps=None solves for the values of a linear regressor, as "
            f"Ridge() behind features is one. Got {regressor!r}: give n_bootstraps=50, "
            "which fits any regressor again and again, to features in memory."
        )
    return front, form


def _fit(front, form, observations, rng):
    """Fitted features, behind a constant if there is an intercept."""
    constant = PolynomialFeatures(1, include_bias=form.fit_intercept)
    if front is None:
        return constant.fit(as_numbers(observations[:1]))
    fitted = fit_features(clone(front), observations, rng)
    # In one Pipeline the features of all rows would be made, only to be counted.
    some = transform(fitted, observations[:1])
    return make_pipeline(fitted, constant.fit(as_numbers(some)))


def _penalties(form, n_columns):
    """Of all columns: an intercept, which comes first, has none."""
    penalties = np.full(n_columns, getattr(form, "alpha", 0.0))
    penalties[: int(form.fit_intercept)] = 0.0
    return penalties

"""Linear regressors are factorized, and give what fitting them again would give."""

from inspect import signature
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import FittedQ, Sweeps
from skampo.encodings import Scores
from skampo.exceptions import RegressorError
from skampo.regressors import default_regressor, linear_form
from tests.crossing import crossed
from tests.faulty_envs import CountingEnv
from tests.naming import show
from tests.scripted import RewardingEnv

STATES = np.random.default_rng(0).normal(size=(50, 4)) * [1.0, 1.0, 0.1, 1.0]
COLUMNS = ColumnTransformer([("a", MinMaxScaler(), [0, 1]), ("b", "passthrough", [2])])
POLYNOMIALS = PolynomialFeatures(2, include_bias=False)
FEATURES = [
    StandardScaler(),
    MinMaxScaler(),
    RobustScaler(),
    POLYNOMIALS,
    make_pipeline(StandardScaler(), POLYNOMIALS),
    SplineTransformer(n_knots=4, extrapolation="linear"),
    make_pipeline(StandardScaler(), Nystroem(n_components=30, random_state=0)),
    make_pipeline(RobustScaler(), RBFSampler(n_components=30, random_state=0)),
    COLUMNS,
    make_union(StandardScaler(), POLYNOMIALS),
    KBinsDiscretizer(3, encode="onehot", quantile_method="averaged_inverted_cdf"),
]
MODELS = [
    Ridge(),
    Ridge(1e-3, solver="cholesky", fit_intercept=False),
    LinearRegression(),
    LinearRegression(fit_intercept=False),
]


def sweeps_of(regressor, *data):
    form = linear_form(regressor)
    return Sweeps.by_form[type(form)](form, *data)


class TextbookSweeps(Sweeps):
    """Each sweep fits a clone to the rows of each action."""

    n_sweeps = 40
    scores = None

    def __init__(self, model, features, actions, setting):
        self.model = model
        self.features = features
        self.rows = [np.flatnonzero(actions == a) for a in range(setting.n_actions)]

    def fit(self, y):
        models = [
            clone(self.model).fit(dense(self.features[rows]), y[rows])
            if len(rows)
            else None
            for rows in self.rows
        ]
        self.scores = Dense(Scores(tuple(models)))

    def values(self):
        return self.scores(self.features)


def dense(features):
    return features.toarray() if hasattr(features, "toarray") else features


class Dense:
    """scikit-learn solves least squares on sparse features only roughly."""

    def __init__(self, scores):
        self.scores = scores

    def __call__(self, features):
        return self.scores(dense(features))


class TextbookFittedQ(FittedQ):
    """Knows nothing about linear models."""

    def _make_solver(self, transformer, model, view, steps, setting):
        features = view.features(transformer)
        return TextbookSweeps(model, features, steps.actions, setting)


class UnknownLeastSquares(LinearRegression):
    """Of another class, so that it is fitted in every sweep like any other model."""


def test_the_double_takes_what_the_critic_takes():
    first, second = (signature(c._make_solver) for c in (TextbookFittedQ, FittedQ))
    assert first == second


def fit(regressor, critic, env="CartPole-v1", **parameters):
    policy = AMPOPolicy(regressor, critic=critic, max_iter=3, steps_per_iter=160)
    return policy.set_params(random_state=0, **parameters).fit(env)


def assert_same_policies(first, second, states=STATES):
    assert_allclose(
        first.action_values(states), second.action_values(states), rtol=0, atol=1e-8
    )
    assert_allclose(
        first.predict_proba(states), second.predict_proba(states), rtol=0, atol=1e-8
    )


@pytest.mark.parametrize(
    ("features", "model"), crossed([None, *FEATURES], MODELS, share=2), ids=show
)
def test_whole_fits_are_those_of_plain_fits_of_the_estimator(features, model):
    regressor = model if features is None else make_pipeline(features, model)
    sweeps = {"regressor": "policy", "n_sweeps": 6, "tol": 0.0}
    fast, slow = (fit(regressor, c(**sweeps)) for c in (FittedQ, TextbookFittedQ))
    assert np.ptp(fast.action_values(STATES)) > 1e-3
    assert_same_policies(fast, slow)


def test_with_traces_and_a_stop():
    keywords = {"trace_decay": 0.9, "tol": 1e-2}
    critics = [c("policy", **keywords) for c in (FittedQ, TextbookFittedQ)]
    fast, slow = (fit(default_regressor(), critic) for critic in critics)
    assert fast.critic_.n_sweeps_ == slow.critic_.n_sweeps_ < 40
    assert_same_policies(fast, slow)


def test_least_squares_are_those_of_the_path_of_all_other_regressors():
    models = LinearRegression(), UnknownLeastSquares()
    keywords = {"n_sweeps": 4, "tol": 0.0, "trace_decay": 0.0, "n_states": 10_000}
    fast, slow = (
        fit(
            make_pipeline(StandardScaler(), POLYNOMIALS, model),
            FittedQ("policy", **keywords),
        )
        for model in models
    )
    assert_same_policies(fast, slow)


class HalfRidge(Ridge):
    """Half the penalty of a ridge."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        HalfRidge.n_fits += 1
        model = Ridge(self.alpha / 2).fit(X, y, sample_weight)
        self.coef_, self.intercept_ = model.coef_, model.intercept_
        return self


class RegisteredHalfRidge(HalfRidge):
    """A user's own regressor that said what it is."""


@linear_form.register
def _(regressor: RegisteredHalfRidge):
    return linear_form(Ridge(regressor.alpha / 2))


class TestRegistered:
    @pytest.mark.parametrize("features", [None, StandardScaler()], ids=show)
    def test_gives_what_its_own_fit_gives(self, features):
        regressor = RegisteredHalfRidge()
        if features is not None:
            regressor = make_pipeline(features, regressor)
        sweeps = {"regressor": "policy", "n_sweeps": 6, "tol": 0.0}
        fast, slow = (fit(regressor, c(**sweeps)) for c in (FittedQ, TextbookFittedQ))
        assert_same_policies(fast, slow)

    @pytest.mark.parametrize(
        ("regressor", "expected"),
        # One fit in line 1 of each iteration; and 2 sweeps of 1 + 2 fits.
        [(RegisteredHalfRidge(), 3), (HalfRidge(), 3 + 3 * 2 * (1 + 2))],
        ids=show,
    )
    def test_how_often_it_is_fitted(self, regressor, expected):
        HalfRidge.n_fits = 0
        fit(regressor, FittedQ("policy", tol=0.0))
        assert HalfRidge.n_fits == expected

    @pytest.mark.filterwarnings("ignore:the policy stays as it is:UserWarning")
    def test_any_object_that_factorizes(self):
        class Mean:
            def factorize(self, features):
                return self

            def solve(self, y):
                return np.zeros(2), y.mean()

        class MeanRegressor(RegisteredHalfRidge):
            pass

        linear_form.register(MeanRegressor)(lambda regressor: Mean())
        fitted = fit(
            MeanRegressor(), FittedQ("policy", n_sweeps=1), CountingEnv, gamma=0.0
        )
        values = fitted.action_values([[0.0, 0.0], [5.0, 1.0]])
        assert_allclose(values[0], values[1])

    def test_what_fails_is_named(self):
        class Broken:
            def __repr__(self):
                return "Broken()"

            def factorize(self, features):
                raise ValueError("no")

        class BrokenRegressor(RegisteredHalfRidge):
            pass

        linear_form.register(BrokenRegressor)(lambda regressor: Broken())
        with pytest.raises(
            RegressorError, match=r"Broken\(\) failed to factorize .* ValueError: no"
        ):
            fit(BrokenRegressor(), FittedQ("policy"), CountingEnv)


@pytest.mark.parametrize("encoding", ["per_action", "multi_output", "compatible"])
def test_encodings_that_split_actions_are_fast(encoding, monkeypatch):
    plain, calls = LinearRegression.fit, []

    def counted(self, X, y, sample_weight=None):
        calls.append(len(X))
        return plain(self, X, y, sample_weight)

    monkeypatch.setattr(LinearRegression, "fit", counted)
    policy = fit(LinearRegression(), FittedQ("policy", tol=0.0), encoding=encoding)
    # In line 1 of three iterations at most, and in none of the sweeps.
    assert len(calls) <= 3 * 2 < policy.critic_.n_sweeps_


def test_an_action_never_taken_has_the_mean_of_the_weights():
    features, setting = np.eye(2), SimpleNamespace(n_actions=3)
    steps = SimpleNamespace(at=np.arange(2), actions=np.array([0, 2]))
    sweeps = sweeps_of(Ridge(fit_intercept=False), features, steps, setting)
    sweeps.fit(np.array([2.0, 4.0]))
    assert_allclose(sweeps.values(), [[1, 0.5, 0], [0, 1, 2]])


@pytest.mark.parametrize(
    ("model", "n_sweeps"),
    [(SGDRegressor(random_state=0), 10), (DecisionTreeRegressor(), 2)],
    ids=show,
)
def test_more_sweeps_are_made_where_each_is_one_pass(model, n_sweeps):
    policy = fit(model, FittedQ("policy", tol=0.0), RewardingEnv)
    assert policy.critic_.n_sweeps_ == n_sweeps


def test_a_form_has_the_solver_of_the_class_above_it(monkeypatch):
    form = linear_form(Ridge())

    class OwnForm(type(form)):
        """A form of another class."""

    class OwnRidge(Ridge):
        """A regressor of that form."""

    linear_form.register(OwnRidge, lambda regressor: OwnForm(*form))
    made = []

    def solver(*arguments):
        made.append(arguments[0])
        return known(*arguments)

    known = Sweeps.by_form[type(form)]
    monkeypatch.setitem(Sweeps.by_form, type(form), solver)
    fit(OwnRidge(), FittedQ("policy", n_sweeps=1), RewardingEnv)
    assert {type(form) for form in made} == {OwnForm}


def test_nothing_is_worth_anything_before_the_first_fit():
    steps = SimpleNamespace(at=np.arange(2), actions=np.array([0, 1]))
    setting = SimpleNamespace(n_actions=2)
    sweeps = sweeps_of(Ridge(), np.eye(2), steps, setting)
    assert_array_equal(sweeps.values(), np.zeros((2, 2)))


def test_what_actions_share_and_what_they_add_learn_on():
    model = SGDRegressor(random_state=0)
    once, twice = (
        fit(model, FittedQ("policy", n_sweeps=n, tol=0.0), RewardingEnv, max_iter=1)
        for n in (1, 2)
    )
    # One more pass: over all rows, and over those of each action.
    seen = [policy.critic_.q_.scores.shared.t_ for policy in (once, twice)]
    assert seen[1] - seen[0] == 160
    added = [policy.critic_.q_.scores.added.models for policy in (once, twice)]
    more = [second.t_ - first.t_ for first, second in zip(*added, strict=True)]
    assert sum(more) == 160
    assert min(more) > 0

"""Features are computed for rows that are new, and found again for the others."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skampo import AMPOPolicy
from skampo.critics import LSTDQ, CriticSetting, FittedQ
from skampo.data import Transitions
from skampo.encodings import PerAction
from skampo.regressors import NystroemFeatures
from tests.iterates import uniform

RNG = np.random.default_rng(0)
X, FOLLOWING = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2))
ENDS = np.arange(60) % 5 == 4
SEEN = []


class Doubled(TransformerMixin, BaseEstimator):
    """Twice the input, which it notes; random only by the name of its parameter."""

    def __init__(self, kind=np.asarray, random_state=0):
        self.kind = kind
        self.random_state = random_state

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        SEEN.append(np.array(X))
        return self.kind(2 * X)


def rows(first, stop, *, numbered=True):
    taken = slice(first, stop)
    no = np.zeros(stop - first, dtype=bool)
    # The last row is where the rollout stopped, whatever follows.
    ends = ENDS[taken].copy()
    ends[-1] = True
    return Transitions(
        X[taken],
        np.arange(first, stop) % 2,
        X[taken, 0],
        FOLLOWING[taken],
        no,
        no,
        ends,
        first_row=first if numbered else None,
    )


class Evaluations:
    """Evaluations in one fit; which rows were transformed in the last one."""

    def __init__(self, critic):
        self.critic = critic
        rng = np.random.default_rng(0)
        self.setting = CriticSetting(2, 0.9, Ridge(), PerAction(), rng)

    def of(self, transitions):
        SEEN.clear()
        sample = self.critic.evaluate(uniform(), transitions, self.setting)
        self.features = sample.features(self.critic.transformer_)
        return SEEN[0] if SEEN else np.empty((0, 2))


class TestRowsByNumber:
    def test_only_new_rows_are_computed(self):
        fit = Evaluations(LSTDQ(Doubled()))
        fit.of(rows(0, 40))
        # 40 to 44, and what follows row 44.
        expected = np.vstack([X[40:45], FOLLOWING[44:45]])
        assert_array_equal(fit.of(rows(10, 45)), expected)
        assert_array_equal(fit.features, 2 * X[10:45])

    def test_nothing_new(self):
        fit = Evaluations(LSTDQ(Doubled()))
        fit.of(rows(0, 40))
        assert len(fit.of(rows(5, 40))) == 0
        assert_array_equal(fit.features, 2 * X[5:40])

    def test_only_the_last_batch_is_remembered(self):
        fit = Evaluations(LSTDQ(Doubled()))
        for batch in (rows(0, 20), rows(30, 50)):
            fit.of(batch)
        assert len(fit.of(rows(0, 20))) == 24

    def test_rows_that_nobody_counts_are_computed_again(self):
        fit = Evaluations(LSTDQ(Doubled()))
        for _ in range(2):
            assert len(fit.of(rows(0, 20, numbered=False))) == 24

    def test_numbers_count_and_not_values(self):
        fit = Evaluations(LSTDQ(Doubled()))
        fit.of(rows(0, 20))
        others = rows(30, 50)
        assert len(fit.of(others)) == 24
        assert_array_equal(fit.features, 2 * others.observations)

    def test_sparse_features_are_computed_again(self):
        fit = Evaluations(LSTDQ(Doubled(csr_array)))
        fit.of(rows(0, 40))
        assert len(fit.of(rows(10, 45))) == 42
        assert issparse(fit.features)
        assert_array_equal(fit.features.toarray(), 2 * X[10:45])

    def test_another_fit_remembers_nothing(self):
        critic = LSTDQ(Doubled())
        for _ in range(2):
            assert len(Evaluations(critic).of(rows(0, 20))) == 24


class TestTheSameRows:
    @pytest.mark.parametrize("critic", [LSTDQ, FittedQ])
    def test_nothing_is_prepared_again(self, critic):
        kernel = NystroemFeatures(n_components=5)
        own = kernel if critic is LSTDQ else make_pipeline(kernel, Ridge())
        fit = Evaluations(critic(own))
        fit.of(rows(0, 40))
        known = fit.critic.transformer_
        # More often than random features are kept for data that change.
        for _ in range(12):
            fit.of(rows(0, 40))
        assert fit.critic.transformer_ is known

    def test_rewards_may_be_others(self):
        fit = Evaluations(LSTDQ(Doubled(), alpha=1e-6))
        transitions = rows(0, 40)
        fit.of(transitions)
        before = fit.critic.q_(X)
        doubled = Transitions(**vars(transitions) | {"rewards": 2 * X[:40, 0]})
        assert len(fit.of(doubled)) == 0
        np.testing.assert_allclose(fit.critic.q_(X), 2 * before)


@pytest.fixture
def counted(monkeypatch):
    """Number of rows of each call of `NystroemFeatures.transform`."""
    n_rows = []
    original = NystroemFeatures.transform

    def transform(self, X):
        n_rows.append(len(X))
        return original(self, X)

    monkeypatch.setattr(NystroemFeatures, "transform", transform)
    return n_rows


def test_a_fit_computes_features_of_few_rows(counted):
    # The mean that is taken in the end looks through the features of its policies.
    policy = AMPOPolicy(max_iter=12, steps_per_iter=64, average=0.0, random_state=0)
    policy.fit("CartPole-v1")
    stored = 64 * np.arange(1, 13)
    # Two tables of features per iteration would be twice all that is stored.
    assert sum(counted) < 0.8 * stored.sum()
    assert not any("Memory" in type(value).__name__ for value in vars(policy).values())

"""One fit that shows every policy on its way, and what the guarantees need of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skampo import AMPOPolicy
from skampo.mdp import TabularMDP, make_random_mdp
from skampo.mirror_maps import (
    Euclidean,
    HyperbolicEntropy,
    HyperbolicTangent,
    NegativeEntropy,
    Tsallis,
)
from skampo.step_sizes import StepSize
from skampo.theory import concentrability, mismatch_coefficient

PIPELINE = make_pipeline(OneHotEncoder(), LinearRegression(fit_intercept=False))
MAPS = [NegativeEntropy(), Euclidean(), Tsallis(0.5), Tsallis(1.5)]
MAPS += [HyperbolicEntropy(0.3), HyperbolicTangent()]


class Table(RegressorMixin, BaseEstimator):
    """What PIPELINE computes, for all states at once and ten times as fast."""

    def fit(self, X, y):
        self.table_ = np.empty_like(y)
        self.table_[X[:, 0].astype(int)] = y
        return self

    def predict(self, X):
        return self.table_[X[:, 0].astype(int)]


TABLE = Table()


class Listed(StepSize):
    """Step sizes read off a list."""

    def __init__(self, etas):
        self.etas = etas

    def __call__(self, t, policy, sample):
        return self.etas[t]


class Recorded(StepSize):
    """A step size that remembers what it was shown."""

    def __init__(self, step_size):
        self.step_size = step_size
        self.policies, self.duals, self.q_values = [], [], []

    def __sklearn_clone__(self):
        return self

    def __call__(self, t, policy, sample):
        self.policies.append(policy.proba)
        self.duals.append(policy.dual)
        self.q_values.append(sample.q_values)
        return self.step_size(t, policy, sample)


@dataclass(frozen=True)
class Problem:
    """A model with its optimum."""

    mdp: TabularMDP
    gamma: float

    @cached_property
    def optimum(self):
        return self.mdp.solve(self.gamma)

    @cached_property
    def visitation(self):
        return self.mdp.visitation(self.optimum.proba, self.gamma)

    @cached_property
    def theta(self):
        mu = self.mdp.initial_distribution
        return mismatch_coefficient(self.visitation, mu, self.gamma)

    @cached_property
    def best_return(self):
        return self.mdp.expected_return(self.optimum.proba, self.gamma)

    def divergence(self, mirror_map, proba=None):
        """Mean divergence of the optimal policy from another, the uniform one."""
        if proba is None:
            proba = np.full_like(self.optimum.proba, 1 / self.mdp.n_actions)
        distances = mirror_map.divergence(self.optimum.proba, proba)
        # 0 times infinity: a state that the optimal policy does not visit.
        seen = self.visitation > 0
        return float(self.visitation[seen] @ distances[seen])

    def walk(self, n_iter, step_size, mirror_map, regressor=TABLE, **parameters):
        """Fit with `regressor`; None is the default of the estimator."""
        recorded = Recorded(step_size)
        settings = {"random_state": 0, "encoding": "multi_output", **parameters}
        policy = AMPOPolicy(
            regressor,
            step_size=recorded,
            mirror_map=mirror_map,
            gamma=self.gamma,
            max_iter=n_iter,
            **settings,
        ).fit(self.mdp)
        last = policy.predict_proba(self.mdp.states)
        dual = policy.mirror_map_.dual(scores(policy, self.mdp.states))
        return Walk(
            self,
            policy,
            [*recorded.policies, last],
            [*recorded.duals, dual],
            recorded.q_values,
        )


@dataclass(frozen=True)
class Walk:
    """A fit: policies and duals 0, ..., K, the critic's values of the first K."""

    problem: Problem
    estimator: Any
    policies: list
    duals: list
    q_values: list

    @property
    def n_iter(self):
        return np.arange(len(self.policies))

    @property
    def etas(self):
        return [record["eta"] for record in self.estimator.history_]

    @cached_property
    def gaps(self):
        """Missing expected return of each policy, as `history_` records it."""
        mdp, gamma = self.problem.mdp, self.problem.gamma
        returns = [record["return_mean"] for record in self.estimator.history_]
        returns.append(mdp.expected_return(self.policies[-1], gamma))
        return self.problem.best_return - np.array(returns)

    @cached_property
    def largest_gaps(self):
        """Missing value of each policy in its worst state."""
        mdp, gamma = self.problem.mdp, self.problem.gamma
        values = [mdp.values(proba, gamma) for proba in self.policies]
        return np.abs(self.problem.optimum.values - values).max(axis=1)

    @cached_property
    def visitations(self):
        mdp, gamma = self.problem.mdp, self.problem.gamma
        return [mdp.visitation(proba, gamma) for proba in self.policies]

    @cached_property
    def mismatches(self):
        """Coefficient of the policy after each iteration."""
        target = self.problem.visitation
        return np.array([mismatch_coefficient(target, d) for d in self.visitations[1:]])

    @cached_property
    def symmetric_divergences(self):
        """
        Mean divergence of new from old and of old from new, for each iteration.

        The duals keep the digits that a probability near 0 or 1 has lost.
        """
        both = np.diff(self.duals, axis=0) * np.diff(self.policies, axis=0)
        return np.einsum("ts,tsa->t", self.visitations[1:], both)

    def concentrabilities(self, sampling, centered=False):
        """
        The largest of the four pairs, for each iteration.

        Advantages do not need the pairs with the old policy. The sampling distribution
        is the same for all iterations, or there is one for each.
        """
        best, optimal = self.problem.visitation, self.problem.optimum.proba
        shape = len(self.policies) - 1, *optimal.shape
        largest = []
        for t, v in enumerate(np.broadcast_to(sampling, shape)):
            old, new = self.policies[t : t + 2]
            after = self.visitations[t + 1]
            pairs = [(best, optimal), (after, new)]
            pairs += [] if centered else [(best, old), (after, old)]
            joint = [d[:, None] * proba for d, proba in pairs]
            largest.append(max(concentrability(pair, v) for pair in joint))
        return np.array(largest)


def scores(policy, states):
    """Scores of all actions; of two actions scikit-learn shows the difference."""
    values = policy.decision_function(states)
    if values.ndim == 1:
        values = np.stack([np.zeros_like(values), values], axis=1)
    return values


def random_problem(seed):
    """2 to 60 states, 2 to 8 actions, gamma .5 to .99, three kinds of start."""
    rng = np.random.default_rng(seed)
    n_states, n_actions = int(rng.integers(2, 61)), int(rng.integers(2, 9))
    gamma = float(rng.uniform(0.5, 0.99))
    n_successors = int(rng.integers(1, 6))
    mdp = make_random_mdp(
        n_states, n_actions, n_successors=n_successors, random_state=rng
    )
    starts = [None, rng.dirichlet(np.ones(n_states)), np.eye(n_states)[0]]
    return Problem(TabularMDP(mdp.transition, mdp.reward, starts[seed % 3]), gamma)

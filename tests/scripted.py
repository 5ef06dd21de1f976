"""Environments, critics and regressors whose behavior a test has written down."""

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures

from skampo.critics import LSTDQ, Critic, QSample
from tests.faulty_envs import CountingEnv

# LSTDQ needs features, which not every regressor of the tests has.
DATA_CRITICS = [
    "fitted_q",
    "lambda_return",
    "monte_carlo",
    LSTDQ(PolynomialFeatures(1)),
]


class RewardingEnv(CountingEnv):
    """Pays `unit` for the action that follows from the step: 0, 1, ..., 0, 1, ..."""

    def __init__(self, length=5, n_actions=2, unit=1.0, **kwargs):
        super().__init__(length, n_actions, **kwargs)
        self.unit = unit

    def step(self, action):
        wanted = self.t % self.action_space.n
        observation, _, *rest = super().step(action)
        return observation, self.unit * (action == wanted), *rest


class Fuse:
    """Raises at its n-th tick, counted over all copies."""

    def __init__(self, at, error=KeyboardInterrupt):
        self.at = at
        self.error = error
        self.n = 0

    def __deepcopy__(self, memo):
        """Share the count between copies."""
        return self

    def tick(self):
        self.n += 1
        if self.n == self.at:
            raise self.error


class FusedEnv(RewardingEnv):
    """Fails at the n-th step of all its copies together."""

    def __init__(self, fuse, **kwargs):
        super().__init__(**kwargs)
        self.fuse = fuse

    def step(self, action):
        self.fuse.tick()
        return super().step(action)


class FusedRidge(Ridge):
    """Fails at the n-th fit of all its clones together."""

    def __init__(self, fuse=None, alpha=1.0):
        super().__init__(alpha=alpha)
        self.fuse = fuse

    def fit(self, X, y, sample_weight=None):
        self.fuse.tick()
        return super().fit(X, y, sample_weight)


class ConstantValues:
    """The same action values in every state."""

    def __init__(self, row):
        self.row = row

    def __call__(self, observations):
        return np.tile(self.row, (len(observations), 1))


class ScriptedCritic(Critic):
    """Prefers the actions of a script, one per iteration; remembers what it was fed."""

    def __init__(self, script=(0,), capacity=0):
        self.script = script
        self.capacity = capacity

    def evaluate(self, policy, transitions, setting):
        self.n_rows_ = [*getattr(self, "n_rows_", []), len(transitions)]
        preferred = self.script[(len(self.n_rows_) - 1) % len(self.script)]
        self.q_ = ConstantValues(np.eye(setting.n_actions)[preferred])
        observations = transitions.observations
        return QSample(observations, self.q_(observations), setting.gamma)

"""A log, and how a critic is asked about it."""

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skampo.critics import CriticSetting
from skampo.data import TransitionLog
from skampo.encodings import Encoding
from tests.iterates import softmax_of

# Action 0 three times of four; action 1 pays 1 more.
LOG = TransitionLog([[0.0]] * 4, [0, 0, 0, 1], [0.0, 0.0, 0.0, 1.0])
TABULAR = make_pipeline(
    OneHotEncoder(handle_unknown="ignore"), Ridge(1e-9, fit_intercept=False)
)
FREQUENCIES = DummyClassifier(strategy="prior")


def evaluate(critic, scores=(0.0, 0.0), log=LOG, gamma=0.0):
    policy = softmax_of(lambda X: np.tile(scores, (len(X), 1)))
    setting = CriticSetting(
        2, gamma, TABULAR, Encoding.by_name["auto"](), np.random.default_rng(0)
    )
    return critic.evaluate(policy, log.transitions(), setting)


def mixture(n_episodes, better=(1, 1)):
    """Episodes of twenty steps, half of them paid; shares that do as they are told."""
    rng = np.random.default_rng(0)
    episode = np.repeat(np.arange(n_episodes), 20)
    states = rng.normal(size=(len(episode), 2))
    told = (states[:, 0] > 0).astype(int)
    means_it = rng.random(len(episode)) < np.take(better, episode % 2)
    actions = np.where(means_it, told, rng.integers(2, size=len(episode)))
    return TransitionLog(
        states,
        actions,
        # One large reward makes the range of values as wide as one likes.
        np.where(np.arange(len(episode)) == 0, 1e3, episode % 2),
        np.roll(states, -1, axis=0),
        truncated=np.arange(len(episode)) % 20 == 19,
        episodes=episode,
    )

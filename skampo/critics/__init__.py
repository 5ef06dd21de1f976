"""Policy evaluation: from transitions to action values of every action."""

from skampo.critics._base import Critic, CriticSetting, QSample
from skampo.critics._exact import Exact
from skampo.critics._fitted_q import FittedQ
from skampo.critics._lambda_return import LambdaReturn
from skampo.critics._lstdq import LSTDQ
from skampo.critics._monte_carlo import MonteCarlo
from skampo.critics._pessimistic import Pessimistic
from skampo.critics._reward_model import RewardModel
from skampo.critics._solver import Sweeps

Critic.by_name |= {
    "pessimistic": Pessimistic,
    "exact": Exact,
    "fitted_q": FittedQ,
    "lambda_return": LambdaReturn,
    "lstdq": LSTDQ,
    "monte_carlo": MonteCarlo,
    "reward_model": RewardModel,
}

__all__ = [
    "LSTDQ",
    "Critic",
    "CriticSetting",
    "Exact",
    "FittedQ",
    "LambdaReturn",
    "MonteCarlo",
    "Pessimistic",
    "QSample",
    "RewardModel",
    "Sweeps",
]

"""Which problem the arguments of `fit` are: the one place that asks for types."""

import numpy as np

from skampo.data import TransitionLog
from skampo.mdp import TabularMDP
from skampo.problems._environments import EnvironmentProblem
from skampo.problems._log import LogProblem
from skampo.problems._model import ModelProblem
from skampo.problems._rewards import LabelProblem, RewardProblem
from skampo.rollouts._factories import is_environment


def make_problem(X, y, given, *, asked, seed, last):
    """
    A model, environments, a log, rewards of all actions, or labels.

    `given` are the other columns that `fit` was given, `asked` the parameters of the
    estimator and its name, and `last` is a state to continue from. Returns the problem,
    and what of that state goes on for data of this kind.
    """
    given = {name: value for name, value in given.items() if value is not None}
    problem = _class_of(X, given)
    last = last and last.for_data(problem.name)
    return problem.of(X, y, given, asked=asked, seed=seed, last=last), last


def _class_of(X, given):
    # By type, before anything is converted: an environment is no array of objects.
    if isinstance(X, TabularMDP):
        return ModelProblem
    if isinstance(X, TransitionLog):
        return LogProblem
    if is_environment(X):
        return EnvironmentProblem
    # Labels have weights as well; any other column belongs to rewards.
    if not given.keys() - {"sample_weight"}:
        return LabelProblem
    return RewardProblem if np.ndim(given.get("rewards")) == 2 else LogProblem

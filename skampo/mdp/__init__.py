"""Finite Markov decision processes, solved exactly."""

from skampo.mdp._aggregation import make_aggregation_counterexample
from skampo.mdp._generators import make_chain, make_random_mdp
from skampo.mdp._gridworld import make_gridworld
from skampo.mdp._tabular import TabularMDP

__all__ = [
    "TabularMDP",
    "make_aggregation_counterexample",
    "make_chain",
    "make_gridworld",
    "make_random_mdp",
]

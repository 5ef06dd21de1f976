"""Finite Markov decision processes, solved exactly."""

from skampo.mdp._generators import make_random_mdp
from skampo.mdp._model import ModelExperience
from skampo.mdp._tabular import Solution, TabularMDP

__all__ = ["ModelExperience", "Solution", "TabularMDP", "make_random_mdp"]

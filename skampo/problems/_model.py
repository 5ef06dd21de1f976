"""A finite model, which the exact critic evaluates as it is."""

import numpy as np

from skampo._history import Validation
from skampo._score import greedy_return
from skampo.exceptions import InvalidParameterError
from skampo.problems._base import Problem, refuse_targets, resolve_critic
from skampo.regressors import default_regressor


class ModelProblem(Problem):
    """A `TabularMDP`: nothing has to be gathered."""

    name = "model"
    # The model is; the values of its actions depend on the policy.
    is_fixed = False

    def __init__(self, mdp, critic, gamma):
        super().__init__(np.arange(mdp.n_actions), 1, critic, gamma)
        self._mdp = mdp

    @classmethod
    def of(cls, X, y, given, *, asked, seed, last):
        """The problem of a model."""
        refuse_targets("a TabularMDP", y, given)
        critic = resolve_critic(asked, last, "exact")
        critic.check()
        if not critic.needs_model:
            raise InvalidParameterError(
                "A TabularMDP needs critic='exact' or 'auto'. Got "
                f"{critic!r} instead, which learns from transitions."
            )
        return cls(X, critic, asked.gamma)

    def gather(self, policy):
        """The model itself."""
        return self._mdp

    def model_of_numbers(self):
        """Columns of states, fitted exactly."""
        return default_regressor(discrete=True, exact=True)

    def validate(self, policy, attempt=0):
        """The exact return of the greedy policy."""
        return Validation(greedy_return(self._mdp, policy, self.gamma))

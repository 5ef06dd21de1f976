"""Environments, which every policy plays again."""

import numpy as np

from skampo._history import Validation
from skampo.data._tables import TableColumns, selects_by_name
from skampo.exceptions import InvalidParameterError
from skampo.features._steps import put_in_front
from skampo.problems._base import (
    Problem,
    check_critic_discount,
    refuse_targets,
    resolve_critic,
)
from skampo.regressors import default_regressor
from skampo.rollouts import Rollouts, play_episodes
from skampo.rollouts._seeding import VALIDATIONS
from skampo.utils._threads import limit_threads

# New data arrive while a policy learns, and what early, wrong values added up must be
# forgotten: no action counts as less likely than this share of the best one.
_MIN_ODDS, _MIN_ODDS_DISCRETE = 1e-3, 1e-2
# Single policies wander. Means of a half lag behind where policies still improve.
_AVERAGE = 1 / 3


class EnvironmentProblem(Problem):
    """Environments: data are gathered by the policy, which validation plays too."""

    name = "environments"
    is_fixed = False

    def __init__(self, X, critic, asked, seed, last):
        self._X, self._asked, self._seed = X, asked, seed
        self._rollouts = self._open(critic, last)
        names = self.observation_encoder.feature_names
        super().__init__(
            self._rollouts.classes,
            self._rollouts.n_features,
            critic,
            asked.gamma,
            names if names is None else np.asarray(names, dtype=object),
        )

    @classmethod
    def of(cls, X, y, given, *, asked, seed, last):
        """The problem of environments, which are opened."""
        refuse_targets("environments", y, given)
        critic = resolve_critic(asked, last, "fitted_q")
        critic.check()
        if critic.needs_model:
            raise InvalidParameterError(
                f"{critic!r} needs a TabularMDP, whose values are known. Got "
                "environments: use critic='fitted_q', 'lambda_return' or "
                "'monte_carlo'."
            )
        check_critic_discount(asked.gamma, critic)
        return cls(X, critic, asked, seed, last)

    def _open(self, critic, last):
        asked = self._asked
        return Rollouts(
            self._X,
            n_envs=asked.n_envs,
            steps_per_iter=asked.steps_per_iter,
            max_episode_steps=asked.max_episode_steps,
            exploration=asked.exploration,
            seed=self._seed,
            sampling=critic.sampling,
            capacity=critic.capacity,
            gamma=asked.gamma,
            check=True,
            **(last.rollouts if last else {}),
        )

    average = _AVERAGE

    @property
    def min_odds(self):
        """The default floor of the probabilities."""
        is_discrete = self.observation_encoder.is_discrete
        return _MIN_ODDS_DISCRETE if is_discrete else _MIN_ODDS

    @property
    def n_steps(self):
        """Steps in the environments so far."""
        return self._rollouts.n_steps

    @property
    def episode_returns(self):
        """Returns of the episodes that the last iteration ended."""
        return self._rollouts.episode_returns

    @property
    def n_faults(self):
        """Episodes that the last iteration gave up."""
        return self._rollouts.n_faults

    @property
    def observation_encoder(self):
        """How observations become rows."""
        return self._rollouts.observation_encoder

    @property
    def action_encoder(self):
        """How columns become actions."""
        return self._rollouts.action_encoder

    def gather(self, policy):
        """Transitions of the policy, and those that are kept."""
        return self._rollouts.gather(policy)

    def model_of_numbers(self):
        """Kernel features for numbers, columns for discrete states."""
        is_discrete = self.observation_encoder.is_discrete
        # Pooling was measured on states of numbers only.
        return default_regressor(discrete=is_discrete, pooled=not is_discrete)

    @limit_threads()
    def validate(self, policy, attempt=0):
        """Greedy episodes, with seeds that neither training nor `score` ever sees."""
        results = play_episodes(
            self._X,
            policy.unchecked(),
            n_episodes=self._asked.validation_episodes,
            max_episode_steps=self._asked.max_episode_steps,
            seed=self._seed,
            stream=VALIDATIONS[attempt],
            observation_encoder=self.observation_encoder,
            action_encoder=self.action_encoder,
            labels=self.classes,
        )
        return Validation.of(results.returns, int(results.lengths.sum()))

    def give_table(self, regressor):
        """A regressor behind a table of names, if it asks for columns by name."""
        if self.feature_names is None or not selects_by_name(regressor):
            return regressor
        names = list(self.feature_names)
        columns = TableColumns("pandas", names, ["float64"] * len(names))
        return put_in_front("table", columns, regressor)

    def continuation(self):
        """Counts of episodes and the transitions so far."""
        return self._rollouts.continuation()

    def close(self):
        """Close the environments that were made or copied."""
        self._rollouts.close()

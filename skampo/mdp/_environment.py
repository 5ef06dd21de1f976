"""A finite model as an environment."""

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Discrete


class TabularEnv(gymnasium.Env):
    """
    An environment that plays a `TabularMDP`.

    Observations are the numbers of the states. Rewards are the expected ones of the
    model. An episode terminates when it enters an absorbing state.

    Parameters
    ----------
    mdp : TabularMDP
        The model.

    Attributes
    ----------
    observation_space : gymnasium.spaces.Discrete
        The states.
    action_space : gymnasium.spaces.Discrete
        The actions.

    See Also
    --------
    TabularMDP.to_env : Make one, with a time limit if needed.

    Examples
    --------
    >>> from skampo.mdp import make_gridworld
    >>> env = make_gridworld(["S.G"]).to_env()
    >>> env.reset(seed=0)
    (0, {})
    >>> env.step(2), env.step(2)
    ((1, 0.0, False, False, {}), (2, 1.0, True, False, {}))
    """

    metadata = {"render_modes": []}
    render_mode = None

    def __init__(self, mdp):
        self.observation_space = Discrete(mdp.n_states)
        self.action_space = Discrete(mdp.n_actions)
        self._rows = mdp.transition_rows
        self._rewards = mdp.reward
        self._absorbing = mdp.absorbing
        self._start_edges = mdp.initial_distribution.cumsum()
        self._state = None

    def reset(self, *, seed=None, options=None):
        """
        Draw the first state of an episode.

        Parameters
        ----------
        seed : int, default=None
            Seed of all draws until the next seed.
        options : dict, default=None
            Not used.

        Returns
        -------
        state : int
            The state.
        info : dict
            Empty.
        """
        super().reset(seed=seed)
        self._state = self._draw(self._start_edges)
        return self._state, {}

    def step(self, action):
        """
        Move to a successor of the state.

        Parameters
        ----------
        action : int
            The action.

        Returns
        -------
        state : int
            The next state.
        reward : float
            The expected reward of the state left and the action.
        terminated : bool
            Whether the next state is absorbing.
        truncated : bool
            False.
        info : dict
            Empty.

        Raises
        ------
        gymnasium.error.ResetNeeded
            If no episode has begun.
        ValueError
            If there is no such action.
        """
        # gymnasium's own check is a wrapper that only `gymnasium.make` puts on.
        if self._state is None:
            raise ResetNeeded("Call reset before step: no episode has begun.")
        if not self.action_space.contains(action):
            raise ValueError(
                f"The action must be an integer from 0 to {self.action_space.n - 1}. "
                f"Got {action!r} instead."
            )
        row = self._state * int(self.action_space.n) + int(action)
        reward = float(self._rewards[self._state, action])
        # A step of a large model must not touch all of its states.
        entries = slice(self._rows.indptr[row], self._rows.indptr[row + 1])
        drawn = self._draw(self._rows.data[entries].cumsum())
        self._state = int(self._rows.indices[entries][drawn])
        return self._state, reward, bool(self._absorbing[self._state]), False, {}

    def _draw(self, edges):
        """Index drawn by an inverse distribution function."""
        # Sums of floats may miss 1: the last edge is the unit. "right" never draws
        # a state of probability 0.
        return int(np.searchsorted(edges, self.np_random.random() * edges[-1], "right"))

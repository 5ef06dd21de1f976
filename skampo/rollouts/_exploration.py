"""Which actions are taken while data are gathered."""

import numpy as np


def explore(proba, exploration=0.0, masks=None):
    """Mix probabilities with a share of uniform ones over the allowed actions."""
    proba = np.asarray(proba, dtype=np.float64)
    share = exploration / proba.shape[1]
    if masks is not None:
        proba = np.where(masks, proba, 0.0)
        share = exploration * masks / masks.sum(axis=1, keepdims=True)
    if exploration:
        proba = (1.0 - exploration) * proba + share
    elif masks is not None:
        # Where all allowed actions have probability 0, nothing prefers one of them.
        proba = np.where(proba.any(axis=1, keepdims=True), proba, masks)
    # A policy may ignore masks; what is stored has to be what is drawn from.
    return proba / proba.sum(axis=1, keepdims=True)


def draw_actions(proba, uniforms):
    """Draw an action for each row by inverting its distribution function."""
    edges = proba.cumsum(axis=1)
    # Dividing makes the last edge 1, and every edge behind the last possible action.
    edges /= edges[:, -1:]
    return (edges > uniforms[:, np.newaxis]).argmax(axis=1)


class Exploration:
    r"""
    Uniform actions in between, each of which is repeated for a while.

    An exploring action is taken for k steps with a probability that is proportional to
    :math:`k^{-2}`, :math:`k \le` `longest` (temporally-extended
    :math:`\varepsilon`-greedy exploration, [1]_), until its episode ends or a mask
    forbids it. In the long run a `share` of all steps explores.

    References
    ----------
    .. [1] W. Dabney, G. Ostrovski and A. Barreto, "Temporally-extended epsilon-greedy
       exploration", ICLR 2021.
    """

    def __init__(self, share, longest, rng, n_envs):
        lengths = np.arange(1, longest + 1)
        weights = lengths**-2.0 / np.sum(lengths**-2.0)
        self._edges = weights.cumsum()
        # Rounding must not leave room for one step more.
        self._edges[-1] = 1.0
        self._rng = rng
        # Of the steps that repeat nothing, so many begin to explore.
        mean = lengths @ weights
        self._rate = share / (mean * (1 - share) + share)
        self._left = np.zeros(n_envs, dtype=np.intp)
        self._action = np.zeros(n_envs, dtype=np.intp)

    def draw(self, proba, masks, indices):
        """
        Draw an action for each row.

        Parameters
        ----------
        proba : ndarray of shape (n, n_actions)
            Those of the policy.
        masks : ndarray of shape (n, n_actions) or None
            Allowed actions.
        indices : ndarray of shape (n,)
            Which environment each row is of.

        Returns
        -------
        actions : ndarray of shape (n,)
        proba : ndarray of shape (n,)
            Probability with which each was drawn, given the steps before: 1 of an
            action that is repeated.
        """
        proba = explore(proba, self._rate, masks)
        rows, n_actions = np.arange(len(proba)), proba.shape[1]
        actions = draw_actions(proba, self._rng.random(len(proba)))
        # Of perhaps a thousand probabilities, weights need that of the action alone.
        proba = proba[rows, actions]
        if len(self._edges) == 1 or not self._rate:
            return actions, proba
        before = self._action[indices]
        repeats = self._left[indices] > 0
        if masks is not None:
            repeats &= masks[rows, before]
        n_allowed = n_actions if masks is None else masks.sum(axis=1)
        begun = self._begin(proba, n_allowed)
        self._left[indices] = np.where(repeats, self._left[indices] - 1, begun)
        self._action[indices] = actions = np.where(repeats, before, actions)
        return actions, np.where(repeats, 1.0, proba)

    def _begin(self, proba, n_allowed):
        """For how many more steps actions are taken that were drawn just now."""
        is_explored, length = self._rng.random((2, len(proba)))
        # An action is drawn from the policy or uniformly: which it was is drawn now.
        explores = is_explored * proba * n_allowed < self._rate
        return np.where(explores, np.searchsorted(self._edges, length), 0)

    def end(self, indices):
        """Forget what is repeated in these environments, whose episodes are over."""
        self._left[indices] = 0

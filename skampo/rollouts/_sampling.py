"""The three ways of walking through episodes, and the drawing of actions."""

import numpy as np

from skampo.data._transitions import Transitions


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


class Recorder:
    """Collects the rows of lock-steps and returns them environment by environment."""

    def __init__(self, lockstep):
        self.lockstep = lockstep
        self.parts = []
        self.has_masks = False

    def add(self, before, actions, step, ends, keep=None):
        """Add what a lock-step did, or only the rows marked in `keep`."""
        observations, masks, behavior_proba = before
        if masks is not None or step.next_masks is not None:
            self.has_masks = True
        part = (
            observations,
            actions,
            step.rewards,
            step.next_observations,
            step.terminated,
            step.truncated,
            ends,
            behavior_proba,
            self.lockstep.indices,
            step.lost,
            masks,
            step.next_masks,
        )
        if keep is not None:
            part = [None if c is None else c[keep] for c in part]
        self.parts.append(part)

    def finish(self):
        """Return the transitions, each environment's steps one after the other."""
        *columns, indices, lost, masks, next_masks = zip(*self.parts, strict=True)
        # A stable order keeps the steps of an environment in the order of time.
        order = np.argsort(np.concatenate(indices), kind="stable")
        lost = np.concatenate(lost)[order]
        columns = [np.concatenate(column)[order] for column in columns]
        if self.has_masks:
            lengths = [len(part) for part in indices]
            columns += [
                self._fill(column, lengths)[order] for column in (masks, next_masks)
            ]
        rows = Transitions(*columns)
        return _cut(rows, np.concatenate(indices)[order], lost) if lost.any() else rows

    def _fill(self, masks, lengths):
        """Join masks, allowing everything where there are none."""
        n_actions = self.lockstep.action_encoder.n_actions
        return np.concatenate(
            [
                np.ones((length, n_actions), dtype=bool) if mask is None else mask
                for mask, length in zip(masks, lengths, strict=True)
            ]
        )


def _cut(rows, indices, lost):
    """The rows without those that failed, in front of which the episodes were cut."""
    cut = np.zeros_like(lost)
    # The row in front of a first one belongs to another environment.
    cut[:-1] = lost[1:] & (indices[:-1] == indices[1:]) & ~rows.ends[:-1]
    rows.truncated[cut] = rows.ends[cut] = True
    return rows.take(~lost)


class Walker:
    """Steps environments with a policy, counting steps and noting finished episodes."""

    def __init__(self, lockstep, policy, rng, exploration):
        self.lockstep = lockstep
        self.policy = policy
        self.rng = rng
        self.exploration = exploration
        self.n_steps = 0
        self.returns = []

    def step(self):
        """Take one lock-step; return what was seen, done and what happened."""
        lockstep = self.lockstep
        observations, masks = lockstep.observations, lockstep.masks
        proba = self.policy.proba(observations, action_mask=masks)
        proba = explore(proba, self.exploration, masks)
        actions = draw_actions(proba, self.rng.random(len(proba)))
        # Of perhaps a thousand probabilities, weights need that of the action alone.
        before = observations, masks, proba[np.arange(len(proba)), actions]
        step = lockstep.step(actions)
        self.n_steps += len(actions)
        ended = step.ended
        for row in (ended & ~step.lost).nonzero()[0]:
            # Now, for the reset of an environment sets its return to zero.
            self.returns.append(lockstep.active[row].episode_return)
        return before, actions, step, ended


def walk_steps(walker, budget, gamma=None):
    """Take the same number of steps in every environment, which then keeps running."""
    lockstep, recorder = walker.lockstep, Recorder(walker.lockstep)
    if not lockstep.active:
        lockstep.begin()
    n_locksteps = -(-budget // len(lockstep.active))
    for t in range(n_locksteps):
        before, actions, step, ended = walker.step()
        # Rows are sorted by environment, of which each ends with its last row.
        ends = ended if t < n_locksteps - 1 else np.ones_like(ended)
        recorder.add(before, actions, step, ends)
        lockstep.restart(ended.nonzero()[0])
    return recorder.finish()


def walk_episodes(walker, budget, gamma=None):
    """Take whole episodes until the budget is spent, and finish those begun."""
    lockstep, recorder = walker.lockstep, Recorder(walker.lockstep)
    lockstep.begin()
    while lockstep.active:
        before, actions, step, ended = walker.step()
        recorder.add(before, actions, step, ended)
        _go_on(walker, np.flatnonzero(ended), budget)
    return recorder.finish()


def walk_geometric(walker, budget, gamma):
    """
    Draw independent samples of the discounted visitation and of the action value.

    Each environment walks while coins fall below `gamma`, then records until one does
    not. Samples that were begun within the budget are finished, walk included, so that
    short ones are not favored.
    """
    lockstep, recorder = walker.lockstep, Recorder(walker.lockstep)
    lockstep.begin()
    is_recording = np.zeros(len(lockstep.active), dtype=bool)
    while lockstep.active:
        # A walk and a record both stop with probability 1 - γ in every step.
        accepts, stops = walker.rng.random((2, len(lockstep.active))) >= gamma
        # Before the step: the state and action of this very step are the sample.
        is_recording |= accepts
        before, actions, step, ended = walker.step()
        ends = is_recording & (ended | stops)
        recorder.add(before, actions, step, ends, keep=is_recording)
        is_recording = is_recording & ~ends
        # A walk that ran into the end of an episode begins again.
        lockstep.restart(np.flatnonzero(ended & ~ends))
        is_recording = _go_on(walker, np.flatnonzero(ends), budget, is_recording)
    return recorder.finish()


def _go_on(walker, rows, budget, states=None):
    """Restart environments while there is budget, else let them rest."""
    if walker.n_steps < budget:
        walker.lockstep.restart(rows)
        return states
    walker.lockstep.drop(rows)
    return None if states is None else np.delete(states, rows)


SAMPLERS = {
    "episodes": walk_episodes,
    "geometric": walk_geometric,
    "steps": walk_steps,
}

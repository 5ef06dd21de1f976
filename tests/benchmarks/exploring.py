"""
Regret of exploring bandits on simulated streams, beside a package that does the same.

Run with ``python -m tests.benchmarks.exploring [--seeds 1]``. The peer is `mabwiser`,
and is left out where it is not installed. In 20,000 rounds, states come in portions of
20; each learner chooses an arm for each and is told what that arm paid. A cell is the
regret, the sum of what the best arm of each round was expected to pay more, as median
over the seeds, and the CPU seconds of choosing and learning and the width.
`LinearBandit` gets the columns as they are, and its default width. The peer gets them
standardized, by means and deviations of the whole stream, and beside a column of ones,
and of three widths the one that was best on this very stream.
"""

import argparse
import importlib.util
import time
import warnings

import numpy as np

from skampo.bandits import LinearBandit
from tests.benchmarks import runs

N_ROUNDS, PORTION = 20_000, 20
#: How much the peer explores: the values tried, of which the best is shown.
WIDTHS = (0.1, 0.3, 1.0)


class Stream:
    """States, what all arms are expected to pay there, and which can be taken."""

    def __init__(self, X, means, draw):
        self.X, self.means, self.paid = X, means, draw(means)
        self.allowed = np.ones(means.shape, bool)

    def regret(self, arms):
        """What was lost, all in all, to the best arm of each round."""
        best = np.where(self.allowed, self.means, -np.inf).max(axis=1)
        return float((best - self.means[np.arange(len(arms)), arms]).sum())


def _normal(rng, size=1.0):
    return lambda means: means + size * rng.normal(size=means.shape)


def _clicks(rng):
    return lambda means: (rng.random(means.shape) < means).astype(float)


def lines(rng, n_columns=10, n_arms=10):
    """Rewards linear in the columns, with as much noise."""
    X = rng.normal(size=(N_ROUNDS, n_columns))
    slopes = rng.normal(size=(n_columns, n_arms)) / np.sqrt(n_columns)
    return Stream(X, X @ slopes + 0.3 * rng.normal(size=n_arms), _normal(rng))


def units(rng, n_arms=5):
    """Columns in units from a hundredth to a hundred, far from zero."""
    stream = lines(rng, 8, n_arms)
    stream.X = (stream.X + 3) * 10.0 ** np.linspace(-2, 2, 8)
    return stream


def clicks(rng, n_columns=8, n_arms=8):
    """Clicks, whose logarithmic odds are linear: 1 to 30 % of what is shown."""
    X = rng.normal(size=(N_ROUNDS, n_columns))
    odds = X @ rng.normal(size=(n_columns, n_arms)) / np.sqrt(n_columns) - 3
    means = 1 / (1 + np.exp(-odds - 0.5 * rng.normal(size=n_arms)))
    return Stream(X, means, _clicks(rng))


def waves(rng, n_columns=4, n_arms=5):
    """Rewards that no line fits."""
    X = rng.normal(size=(N_ROUNDS, n_columns))
    slopes, bends = rng.normal(size=(2, n_columns, n_arms))
    return Stream(X, 0.5 * X @ slopes + np.cos(2 * X @ bends), _normal(rng))


def arrivals(rng, n_arms=15, n_at_once=6):
    """Arms of which one leaves and another one comes every 2,000 rounds."""
    stream = lines(rng, 6, n_arms)
    first = np.arange(N_ROUNDS)[:, None] // (N_ROUNDS // 10)
    place = np.arange(n_arms)
    stream.allowed = (first <= place) & (place < first + n_at_once)
    return stream


STREAMS = {f.__name__: f for f in (lines, units, clicks, waves, arrivals)}


class Own:
    """Ours."""

    def __init__(self, stream, seed, exploration, width):
        self.bandit = LinearBandit(exploration=exploration, width=width)
        self.rng = np.random.RandomState(seed)
        self.X = stream.X

    def choose(self, rows, arms):
        """Arms for these rows."""
        if not hasattr(self.bandit, "classes_"):
            return self.rng.choice(arms, size=len(self.X[rows]))
        mask = np.isin(self.bandit.classes_, arms)
        return self.bandit.sample(self.X[rows], random_state=self.rng, action_mask=mask)

    def learn(self, rows, taken, paid, arms):
        """Rows and what they paid; these arms come next."""
        self.bandit.partial_fit(self.X[rows], taken, paid, classes=arms)


class MabWiser:
    """``LinUCB`` and ``LinTS`` of mabwiser."""

    def __init__(self, stream, seed, exploration, width):
        from mabwiser.mab import MAB, LearningPolicy

        X = (stream.X - stream.X.mean(axis=0)) / stream.X.std(axis=0)
        self.X = np.hstack([X, np.ones((len(X), 1))])
        self.rng = np.random.RandomState(seed)
        self.arms = None
        how = {"thompson": LearningPolicy.LinTS, "upper_bound": LearningPolicy.LinUCB}
        arms = np.flatnonzero(stream.allowed[0]).tolist()
        self.mab = MAB(arms, how[exploration](alpha=width), seed=seed)

    def choose(self, rows, arms):
        """Arms for these rows, the first ones at random."""
        if self.arms is None:
            return self.rng.choice(arms, size=len(self.X[rows]))
        return np.ravel(self.mab.predict(self.X[rows]))

    def learn(self, rows, taken, paid, arms):
        """Rows and what they paid; these arms come next."""
        learn = self.mab.fit if self.arms is None else self.mab.partial_fit
        known = np.isin(taken, self.mab.arms)
        learn(taken[known].tolist(), paid[known], self.X[rows][known])
        for arm in set(self.mab.arms) - set(arms):
            self.mab.remove_arm(arm)
        for arm in set(arms) - set(self.mab.arms):
            self.mab.add_arm(arm)
        self.arms = arms


def play(learner, stream):
    """The arms that a learner takes, and its CPU seconds."""
    taken = np.empty(len(stream.X), dtype=int)
    begun = time.process_time()
    for start in range(0, len(taken), PORTION):
        rows = np.arange(start, start + PORTION)
        arms = np.flatnonzero(stream.allowed[start])
        taken[rows] = learner.choose(rows, arms)
        last = min(start + PORTION, len(taken) - 1)
        arms = np.flatnonzero(stream.allowed[last])
        learner.learn(rows, taken[rows], stream.paid[rows, taken[rows]], arms)
    return taken, time.process_time() - begun


def measure(make, name, seeds, exploration, width):
    """Median regret and CPU seconds of a learner on a stream."""
    found = []
    for seed in seeds:
        stream = STREAMS[name](np.random.default_rng(seed))
        taken, seconds = play(make(stream, seed, exploration, width), stream)
        found.append((stream.regret(taken), seconds))
    return tuple(np.median(found, axis=0))


def main():
    """Print the table, a line for each learner when it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--widths", nargs="+", type=float, default=[0.3])
    parser.add_argument("--own", action="store_true", help="without the peer")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seeds = range(options.first, options.first + options.seeds)
    makers = {"LinearBandit": (Own, options.widths)}
    if importlib.util.find_spec("mabwiser") and not options.own:
        makers["mabwiser"] = MabWiser, WIDTHS
    rows = []
    for name, (make, widths) in makers.items():
        for exploration in ("thompson", "upper_bound"):
            cells = []
            for stream in options.streams:
                found = [
                    (*measure(make, stream, seeds, exploration, w), w) for w in widths
                ]
                regret, seconds, width = min(found)
                cells.append(f"{regret:,.0f} ({seconds:.1f} s, {width:g})")
                print(name, exploration, stream, found, flush=True)
            rows.append([name, exploration, *cells])
    print(runs.table(["", "exploration", *options.streams], rows))


if __name__ == "__main__":
    main()

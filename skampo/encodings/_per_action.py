"""One regressor per action, or one with a column per action."""

from dataclasses import replace

from sklearn.utils.parallel import Parallel, delayed

from skampo.encodings._base import Encoding, rms
from skampo.encodings._scores import ColumnScores, Scores
from skampo.features._regression import takes_columns

__all__ = ["Auto", "MultiOutput", "PerAction"]


class PerAction(Encoding):
    """One regressor per action; the only encoding that fits any regressor."""

    def fit_all(self, learner, X, values, sample_weight):
        """Scores fitted to a value for every action of every row."""
        scale = rms(values, sample_weight)
        jobs = [(X, column / scale, sample_weight) for column in values.T]
        return Scores(_fit_each(learner, jobs), scale)

    def fit_taken(self, learner, X, actions, y, n_actions, sample_weight=None):
        """Scores fitted to a value for the action taken in each row."""
        weight = sample_weight
        taken = [actions == action for action in range(n_actions)]
        jobs = [
            (X[rows], y[rows], weight if weight is None else weight[rows])
            for rows in taken
        ]
        return Scores(_fit_each(learner, jobs))


class MultiOutput(PerAction):
    """One regressor, one output per action; one regressor per action for critics."""

    def fit_all(self, learner, X, values, sample_weight):
        """Scores fitted to a value for every action of every row."""
        scale = rms(values, sample_weight)
        start = getattr(learner.start, "model", None)
        model = learner.fit(X, values / scale, sample_weight, start)
        return ColumnScores(model, values.shape[1], scale)


class Auto(PerAction):
    """Columns when the regressor declares that it takes them, else one per action."""

    def fit_all(self, learner, X, values, sample_weight):
        """Scores fitted to a value for every action of every row."""
        chosen = MultiOutput() if takes_columns(learner.regressor) else PerAction()
        return chosen.fit_all(learner, X, values, sample_weight)


def _fit_each(learner, jobs):
    """One fitted model per job, None where there are no rows; same for any n_jobs."""
    starts = getattr(learner.start, "models", None) or (None,) * len(jobs)
    # Also for actions without rows, so that seeds do not depend on what was seen.
    children = learner.rng.spawn(len(jobs))
    fits = [
        delayed(replace(learner, rng=child).fit)(X, y, weight, start)
        for (X, y, weight), start, child in zip(jobs, starts, children, strict=True)
        if len(y)
    ]
    fitted = iter(Parallel(n_jobs=learner.n_jobs, prefer="threads")(fits))
    return tuple(next(fitted) if len(y) else None for _, y, _ in jobs)

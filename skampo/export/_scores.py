"""Scores of all actions, and what mirror maps make of them, as steps."""

import numpy as np

# Where the builders of the other parts enter the table.
from skampo.export import _regressors, _transformers  # noqa: F401
from skampo.export._builders import builds, step_of
from skampo.export._forests import sklearn_trees
from skampo.export._projections import (
    Greedy,
    Hyperbolic,
    Simplex,
    Softmax,
    Tangent,
    Tsallis,
)
from skampo.export._steps import (
    Affine,
    Constant,
    Join,
    Standardize,
    Times,
)


def form_of(policy, observation):
    """The last step of a `MirrorPolicy`: probabilities from an observation."""
    scores = step_of(policy.f, observation)
    # The only action has all probability, whatever the map is.
    if np.isinf(policy.eta) or scores.size == 1:
        return Greedy(scores)
    return step_of(policy.mirror_map, scores, float(policy.eta))


@builds("skampo.FeatureScores")
def _(part, source):
    return step_of(part.scores, step_of(part.transformer, source))


@builds("skampo.ScaledScores")
def _(part, source):
    return Times(step_of(part.scores, source), float(part.factor))


@builds("skampo.LinearScores")
def _(part, source):
    return Affine.of(source, part.weights.T, part.intercept)


@builds("skampo.CompatibleScores")
def _(part, source):
    return Affine.of(source, (part.theta / part.eta).T)


@builds("skampo.ColumnScores")
def _(part, source):
    return Times(step_of(part.model, source), float(part.scale))


@builds("skampo.JointScores")
def _(part, source):
    actions = np.eye(part.n_actions)
    rows = [Join((source, Constant(source, action))) for action in actions]
    columns = [step_of(part.model, row) for row in rows]
    return Times(Join.of(columns), float(part.scale))


@builds("skampo.Scores")
def _(part, source):
    present = [i for i, model in enumerate(part.models) if model is not None]
    n_actions, known = len(part.models), len(present)
    if not present:
        return Constant(source, np.zeros(n_actions))
    columns = Join.of([step_of(part.models[i], source) for i in present])
    if known == n_actions:
        return Times(columns, float(part.scale))
    # An action without a model has the mean of the others.
    rows, divisor = np.ones((n_actions, known)), np.full(n_actions, float(known))
    rows[present], divisor[present] = np.eye(known), 1.0
    mixed = Standardize(
        Affine(columns, rows, np.zeros(n_actions)), 0 * divisor, divisor
    )
    return Times(mixed, float(part.scale))


@builds("skampo.NegativeEntropy")
def _(part, source, eta):
    return Softmax(source, eta)


@builds("skampo.Euclidean")
def _(part, source, eta):
    return Simplex(source, eta)


@builds("skampo.Tsallis")
def _(part, source, eta):
    if part.q == 1:
        return Softmax(source, eta)
    # Half the scores of the Euclidean map.
    if part.q == 2:
        return Simplex(source, eta / 2)
    return Tsallis(source, eta, float(part.q))


@builds("skampo.HyperbolicEntropy")
def _(part, source, eta):
    return Hyperbolic(source, eta, float(part.b))


@builds("skampo.HyperbolicTangent")
def _(part, source, eta):
    return Tangent(source, eta)


@builds("skampo.TreeScores")
def _(part, source):
    tree = part.model.tree_
    values = np.zeros((tree.node_count, part.n_actions))
    values[:, part.columns] = tree.value[:, 0, :]
    return sklearn_trees(source, [tree], [values])

"""A Pipeline as steps: taken apart, and put together again."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline


def flatten(regressor):
    """The same Pipeline without Pipelines inside, whose features would not be kept."""
    # One step is kept whole on purpose: it cannot be taken apart.
    if not _is_sequential(regressor) or len(regressor.steps) < 2:
        return regressor
    steps = list(_all_steps(regressor))
    if len(steps) == len(regressor.steps):
        return regressor
    names = [name for name, _ in steps]
    return Pipeline(
        [
            # Two Pipelines may use one name.
            (name if names.index(name) == i else f"{name}-{i}", step)
            for i, (name, step) in enumerate(steps)
        ]
    )


def _all_steps(pipeline):
    for name, step in pipeline.steps:
        yield from _all_steps(step) if _is_sequential(step) else [(name, step)]


def _is_sequential(step):
    """Whether it does nothing but one step after the other."""
    is_pipeline = type(step) is Pipeline
    return is_pipeline and step.memory is None and step.transform_input is None


def split_features(regressor):
    """The unfitted transformer and the model behind it; None when they are one."""
    if not isinstance(regressor, Pipeline) or len(regressor.steps) < 2:
        return None, regressor
    # A clone: the regressor that was passed in is never fitted.
    return clone(Pipeline(regressor.steps[:-1])), last_step(regressor)[1]


def last_step(regressor):
    """The name and the step that fits the target; without steps, the regressor."""
    return getattr(regressor, "steps", [("model", regressor)])[-1]


def put_together(transformer, name, model):
    """The Pipeline of a fitted transformer and a model; None where there is none."""
    return None if model is None else Pipeline([*transformer.steps, (name, model)])


def put_in_front(name, step, regressor):
    """A Pipeline with one more step, under a name that is not taken."""
    steps = getattr(regressor, "steps", [("model", regressor)])
    taken = {other for other, _ in steps}
    while name in taken:
        name = f"first_{name}"
    return Pipeline([(name, step), *steps])

"""What all displays have in common."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skampo import AMPOPolicy
from skampo.inspection import (
    ConvergenceDisplay,
    ErrorDisplay,
    GridworldDisplay,
    LearningCurveDisplay,
    PolicyDisplay,
    SimplexDisplay,
)
from skampo.mdp import make_gridworld

MDP, LAYOUT = make_gridworld(["S.G"]), ["S.G"]
UNIFORM = np.full((3, 4), 0.25)
UNFITTED = [
    lambda: ConvergenceDisplay.from_estimator(AMPOPolicy(), MDP),
    lambda: ErrorDisplay.from_estimator(AMPOPolicy()),
    lambda: GridworldDisplay.from_estimator(AMPOPolicy(), MDP, LAYOUT),
    lambda: LearningCurveDisplay.from_estimator(AMPOPolicy()),
    lambda: PolicyDisplay.from_estimator(AMPOPolicy(), [[0.0, 0.0], [1.0, 1.0]]),
]
DRAWS = [
    *UNFITTED,
    lambda: ConvergenceDisplay.from_policies([], MDP, gamma=0.9),
    lambda: SimplexDisplay.from_mirror_maps({}, [1.0, 0.0, 0.0]),
    ConvergenceDisplay([1.0]).plot,
    ErrorDisplay([1.0]).plot,
    GridworldDisplay(UNIFORM, np.zeros(3), LAYOUT).plot,
    LearningCurveDisplay([1], [1.0]).plot,
    PolicyDisplay([0, 1], [0, 1], np.full((2, 2, 2), 0.5)).plot,
    SimplexDisplay({}).plot,
]


@pytest.mark.parametrize("draw", UNFITTED)
def test_an_unfitted_policy_leaves_no_figure(draw):
    with pytest.raises(NotFittedError):
        draw()
    assert plt.get_fignums() == []


@pytest.mark.usefixtures("without_matplotlib")
@pytest.mark.parametrize("draw", DRAWS)
def test_without_matplotlib(draw):
    with pytest.raises(ImportError, match=r'Display draws .* "skampo\[viz\]"'):
        draw()

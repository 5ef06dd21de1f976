"""Models of ONNX do what the policies do."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.distill import distill
from skampo.exceptions import ExportError
from skampo.export import to_onnx
from skampo.mirror_maps import Tsallis
from tests.export.states import states_of
from tests.iterates import Corridor

onnx = pytest.importorskip("onnx", reason="an extra: pip install skampo[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime runs the models")

FEW = {"max_iter": 3, "steps_per_iter": 64, "random_state": 0}
REGRESSORS = {
    "default": None,
    "ridge": Ridge(),
    "splines": make_pipeline(SplineTransformer(), Ridge()),
    "polynomials": make_pipeline(MinMaxScaler(), PolynomialFeatures(2), Ridge()),
    "waves": make_pipeline(StandardScaler(), RBFSampler(n_components=9), Ridge()),
    "tree": DecisionTreeRegressor(max_leaf_nodes=20),
    "forest": RandomForestRegressor(5, max_depth=4),
    "histograms": HistGradientBoostingRegressor(max_iter=5),
    "LightGBM": LGBMRegressor(n_estimators=5, min_child_samples=5, verbose=-1),
    "network": MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", max_iter=100),
}


def _compare(policy, atol=1e-12):
    export = to_onnx(policy)
    assert export.largest_difference <= atol
    session = runtime.InferenceSession(export.text, providers=["CPUExecutionProvider"])
    states = states_of(policy, 2000)
    proba, action = session.run(None, {"observation": states})
    expected = policy.predict_proba(states)
    assert_allclose(proba, expected, rtol=0, atol=atol)
    assert_array_equal(action, expected.argmax(axis=1))
    mask = np.arange(proba.shape[1]) > 0
    given = {"observation": states, "action_mask": mask[None]}
    masked = policy.predict_proba(states, action_mask=mask)
    assert_allclose(session.run(None, given)[0], masked, rtol=0, atol=atol)


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:the regressor explains nothing:UserWarning")
def test_regressors(name):
    _compare(AMPOPolicy(REGRESSORS[name], **FEW).fit(Corridor))


def test_the_action_as_a_feature():
    tree = DecisionTreeRegressor(max_leaf_nodes=20)
    _compare(AMPOPolicy(tree, encoding="joint", **FEW).fit(Corridor))


@pytest.mark.parametrize("mirror_map", ["euclidean", Tsallis(2.0)])
def test_sparse_policies(mirror_map):
    policy = AMPOPolicy(Ridge(), mirror_map=mirror_map, **FEW)
    _compare(policy.fit(lambda: Corridor(n_actions=3)))


def test_discrete_observations_and_trees_of_actions():
    policy = AMPOPolicy(**FEW).fit(lambda: Corridor(shows="discrete"))
    _compare(policy)
    _compare(distill(policy, lambda: Corridor(shows="discrete"), random_state=0))


def test_other_maps_are_refused():
    policy = AMPOPolicy(Ridge(), mirror_map=Tsallis(1.5), **FEW).fit(Corridor)
    with pytest.raises(ExportError, match="Tsallis"):
        to_onnx(policy)

"""Policies over a plane of features."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris

from skampo import AMPOPolicy
from skampo.inspection import PolicyDisplay


class Recorder(BaseEstimator):
    """Is sure of "no" where its first feature is negative; remembers what it saw."""

    classes_ = np.array(["no", "yes"])

    def fit(self, X):
        return self

    def predict_proba(self, X):
        self.seen_ = X
        yes = (np.asarray(X)[:, 0] >= 0).astype(float)
        return np.column_stack([1 - yes, yes])

    def __sklearn_is_fitted__(self):
        return True


BOUNDS = [[-1.0, 0.0], [1.0, 4.0]]
IRIS = load_iris(as_frame=True)


@pytest.fixture(scope="module")
def iris():
    return AMPOPolicy(max_iter=5, random_state=0).fit(IRIS.data, IRIS.target)


def test_the_grid_is_row_by_row():
    recorder = Recorder()
    display = PolicyDisplay.from_estimator(
        recorder, BOUNDS, grid_resolution=3, margin=0.0
    )
    assert_array_equal(display.x, [-1, 0, 1])
    assert_array_equal(display.y, [0, 2, 4])
    assert_array_equal(recorder.seen_[:4], [[-1, 0], [0, 0], [1, 0], [-1, 2]])
    assert_array_equal(display.proba[:, :, 1], [[0, 1, 1]] * 3)
    assert_allclose(display.image_.get_extent(), [-1.5, 1.5, -1, 5])


def test_the_margin_goes_beyond_the_range():
    display = PolicyDisplay.from_estimator(Recorder(), BOUNDS, margin=0.5)
    assert (display.x[0], display.x[-1], display.y[0], display.y[-1]) == (-2, 2, -2, 6)


def test_greedy_actions_have_colors_and_a_legend():
    display = PolicyDisplay.from_estimator(Recorder(), BOUNDS, grid_resolution=3)
    image = display.image_.get_array()
    first, second = (p.get_facecolor() for p in display.legend_.get_patches())
    assert to_rgb(first) != to_rgb(second)
    assert_allclose(image[0, 0], to_rgb(first))
    assert_allclose(image[0, 2], to_rgb(second))
    assert [text.get_text() for text in display.legend_.get_texts()] == ["no", "yes"]
    assert display.colorbar_ is None


def test_a_greedy_action_is_pale_at_chance():
    proba = np.array([[[0.5, 0.5], [1.0, 0.0]]] * 2)
    display = PolicyDisplay([0.0, 1.0], [0.0, 1.0], proba).plot(colors=["k", "w"])
    assert_allclose(display.image_.get_array()[0], [[0.75] * 3, [0.0] * 3])


def test_the_probability_of_one_action():
    display = PolicyDisplay.from_estimator(
        Recorder(), BOUNDS, action="yes", grid_resolution=3, cmap="magma"
    )
    assert_array_equal(display.image_.get_array(), [[0, 1, 1]] * 3)
    assert display.image_.get_clim() == (0, 1)
    assert display.image_.get_cmap().name == "magma"
    assert display.colorbar_.ax.get_ylabel() == "probability of yes"
    assert display.legend_ is None


def test_one_display_draws_several_times_on_given_axes():
    _, axes = plt.subplots(1, 2)
    display = PolicyDisplay.from_estimator(
        Recorder(), BOUNDS, action_names=["stop", "go"], ax=axes[0]
    )
    assert display.plot(axes[1], action="no") is display
    assert display.colorbar_.ax.get_ylabel() == "probability of stop"
    assert (display.ax_, display.figure_) == (axes[1], axes[1].figure)
    assert len(plt.get_fignums()) == 1


def test_other_features_stay_at_the_median_or_where_they_are_fixed():
    X = np.array([[0.0, 1.0, 5.0, 7.0], [1.0, 2.0, 6.0, 8.0], [2.0, 4.0, 9.0, 9.0]])
    recorder = Recorder()
    PolicyDisplay.from_estimator(recorder, X, features=(1, 0), fixed={3: -1.0})
    assert_array_equal(np.unique(recorder.seen_[:, 2:], axis=0), [[6.0, -1.0]])
    assert_allclose(recorder.seen_[:, 1].max(), 4.15)
    assert_allclose(recorder.seen_[:, 0].max(), 2.1)


def test_data_frames_keep_their_names(iris):
    display = PolicyDisplay.from_estimator(
        iris,
        IRIS.data,
        features=("petal length (cm)", 3),
        fixed={"sepal length (cm)": 5.0},
        grid_resolution=20,
        action_names=list(IRIS.target_names),
    )
    assert display.ax_.get_xlabel() == "petal length (cm)"
    assert display.ax_.get_ylabel() == "petal width (cm)"
    corner = IRIS.data.median().to_frame().T
    corner["sepal length (cm)"] = 5.0
    corner["petal length (cm)"], corner["petal width (cm)"] = display.x[0], display.y[0]
    assert_allclose(display.proba[0, 0], iris.predict_proba(corner)[0])


def test_data_frames_reach_the_estimator_as_data_frames():
    recorder = Recorder()
    frame = pd.DataFrame(BOUNDS, columns=["position", "velocity"])
    PolicyDisplay.from_estimator(recorder, frame)
    assert list(recorder.seen_.columns) == ["position", "velocity"]


def test_integer_labels_of_columns_are_names():
    recorder = Recorder()
    frame = pd.DataFrame([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], columns=[20, 10, 0])
    display = PolicyDisplay.from_estimator(
        recorder, frame, features=(10, 0), fixed={20: 7.0}, margin=0.0
    )
    assert (display.x[0], display.y[0]) == (1, 2)
    assert display.ax_.get_xlabel() == "10"
    assert (recorder.seen_[20] == 7).all()
    # An integer that is no label is a number.
    assert PolicyDisplay.from_estimator(recorder, frame, features=(1, 0)).y[-1] == 5.15


@pytest.mark.parametrize("feature", [0, "position"])
def test_features_of_the_axes_cannot_be_fixed(feature):
    names = ["position", "velocity"]
    with pytest.raises(ValueError, match=f"other than the two .* Got {feature!r}"):
        PolicyDisplay.from_estimator(
            Recorder(), BOUNDS, feature_names=names, fixed={feature: 0.5}
        )
    assert plt.get_fignums() == []


def test_names_of_arrays():
    display = PolicyDisplay.from_estimator(
        Recorder(), BOUNDS, feature_names=["position", "velocity"], features=[1, 0]
    )
    assert display.ax_.get_xlabel() == "velocity"
    plain = PolicyDisplay.from_estimator(Recorder(), BOUNDS)
    assert plain.ax_.get_ylabel() == "feature 1"


def test_a_policy_of_an_environment():
    policy = AMPOPolicy(max_iter=1, steps_per_iter=64, random_state=0)
    policy.fit("MountainCar-v0")
    bounds = [[-1.2, -0.07], [0.6, 0.07]]
    display = PolicyDisplay.from_estimator(policy, bounds, grid_resolution=10)
    assert display.proba.shape == (10, 10, 3)
    assert_allclose(display.proba.sum(axis=2), 1)


def test_actions_of_several_components():
    classes = np.array([[0, 0], [0, 1], [1, 0]])
    proba = np.full((2, 2, 3), [0.2, 0.3, 0.5])
    display = PolicyDisplay([0, 1], [0, 1], proba, classes=classes)
    assert display.action_names == ["[0, 0]", "[0, 1]", "[1, 0]"]
    display.plot(action=[1, 0])
    assert_array_equal(display.image_.get_array(), np.full((2, 2), 0.5))


@pytest.mark.parametrize("action", [1, [1], [1, 0, 2], "1"])
def test_actions_of_another_length(action):
    classes = [[0, 0], [0, 1], [1, 1]]
    display = PolicyDisplay([0, 1], [0, 1], np.full((2, 2, 3), 1 / 3), classes=classes)
    with pytest.raises(ValueError, match=r"one of \[\[0, 0\], .*\]\. Got .*1"):
        display.plot(action=action)


def test_many_actions_have_many_colors():
    proba = np.eye(9).reshape(3, 3, 9)
    display = PolicyDisplay(np.arange(3), np.arange(3), proba).plot()
    assert len(np.unique(display.image_.get_array().reshape(9, 3), axis=0)) == 9


@pytest.mark.parametrize("features", [(0,), (0, 0), (0, 1, 1)])
def test_two_different_features(features):
    with pytest.raises(ValueError, match="two different features"):
        PolicyDisplay.from_estimator(Recorder(), BOUNDS, features=features)


@pytest.mark.parametrize("feature", [2, -1, "speed", 0.5])
def test_unknown_features(feature):
    with pytest.raises(ValueError, match="There is no feature"):
        PolicyDisplay.from_estimator(Recorder(), BOUNDS, features=(0, feature))
    with pytest.raises(ValueError, match="There is no feature"):
        PolicyDisplay.from_estimator(Recorder(), BOUNDS, fixed={feature: 1.0})


def test_a_constant_feature_spans_nothing():
    with pytest.raises(ValueError, match=r"feature 1 is 3\.0 in all of X"):
        PolicyDisplay.from_estimator(Recorder(), [[0.0, 3.0], [1.0, 3.0]])


def test_an_unknown_action():
    with pytest.raises(ValueError, match=r"action must be one of \['no', 'yes'\]"):
        PolicyDisplay.from_estimator(Recorder(), BOUNDS, action="maybe")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("names", [{"action_names": ["a"]}, {"classes": [1, 2, 3]}])
def test_names_of_another_length(names):
    with pytest.raises(ValueError, match="2 actions; expected as many"):
        PolicyDisplay([0, 1], [0, 1], np.full((2, 2, 2), 0.5), **names)


def test_feature_names_of_another_length():
    with pytest.raises(ValueError, match="2 features; expected as many"):
        PolicyDisplay.from_estimator(Recorder(), BOUNDS, feature_names=["a"])


def test_probabilities_of_another_shape():
    with pytest.raises(ValueError, match=r"proba must have shape \(2, 3, n_actions\)"):
        PolicyDisplay([0, 1, 2], [0, 1], np.zeros((3, 2, 2)))


@pytest.mark.parametrize("axis", [[0], [1, 0], [0, 1, 3]])
def test_axes_are_equally_spaced(axis):
    with pytest.raises(ValueError, match="y must be at least two equally spaced"):
        PolicyDisplay([0, 1], axis, np.zeros((len(axis), 2, 2)))


def test_colors_of_another_length():
    with pytest.raises(ValueError, match="one for each action"):
        PolicyDisplay.from_estimator(Recorder(), BOUNDS, colors=["red"])
    assert plt.get_fignums() == []

"""Kernel features of two widths: when the narrow ones are there, and what they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skampo import AMPOPolicy, load
from skampo.critics import Pessimistic
from skampo.regressors import NystroemFeatures, default_regressor

RNG = np.random.default_rng(0)
PLANE = RNG.uniform(-1.7, 1.7, size=(2000, 2))
SPACE = RNG.normal(size=(2000, 6))


def two_widths(**parameters):
    """The kernel features in the default for logs."""
    union = default_regressor(linear=True)["featureunion"]
    return clone(dict(union.transformer_list)["kernel"]).set_params(**parameters)


def fit(X, **parameters):
    return two_widths(**{"random_state": 0} | parameters).fit(X)


class TestParts:
    def test_the_narrow_kernel_has_as_many_features_as_the_wide_one(self):
        wide, narrow = fit(PLANE).parts_
        assert (wide.gamma_, narrow.gamma_) == (1.0, 16.0)
        n_wide = wide.normalization_.shape[1]
        assert len(narrow.landmarks_) == n_wide < 150

    def test_or_as_many_as_are_left(self):
        wide, narrow = fit(PLANE, n_components=120, ratio=1.5).parts_
        n_wide = wide.normalization_.shape[1]
        assert n_wide > 60
        assert len(narrow.landmarks_) == 120 - n_wide
        assert narrow.gamma_ == 2.25

    def test_few_landmarks_cannot_cover_many_columns(self):
        (wide,) = fit(SPACE).parts_
        assert wide.normalization_.shape[1] < 300

    @pytest.mark.parametrize("n_components", [1, 10])
    def test_nothing_is_left_where_the_wide_kernel_takes_all(self, n_components):
        features = fit(SPACE, n_components=n_components)
        assert len(features.parts_) == 1
        assert features.transform(SPACE).shape == (2000, n_components)

    def test_states_that_come_again_are_landmarks(self):
        # 200 states alone are 56 landmarks.
        assert len(fit(SPACE[:200]).parts_[0].landmarks_) == 56
        rows = np.tile(SPACE[:200], (20, 1))
        # Of 4,000 rows not all are looked at, and a state may be missed.
        landmarks = fit(rows).parts_[0].landmarks_
        assert 190 < len(landmarks) <= 200
        assert len(np.unique(np.vstack([landmarks, SPACE[:200]]), axis=0)) == 200

    def test_a_small_table_is_covered_by_itself(self):
        wide, narrow = fit(SPACE[:5]).parts_
        assert_array_equal(narrow.landmarks_, wide.landmarks_)

    def test_alone_the_wide_part_is_that_of_one_width(self):
        expected = NystroemFeatures(random_state=0).fit_transform(SPACE)
        assert_array_equal(fit(SPACE).transform(SPACE), expected)

    @given(arrays(float, (6, 2), elements=st.floats(-1e3, 1e3)))
    @settings(max_examples=50)
    def test_features_are_bounded_for_any_data(self, X):
        features = fit(X).transform(X)
        assert np.isfinite(features).all()
        assert (np.square(features).sum(axis=1) <= 2 + 1e-6).all()


def test_sharp_borders_are_fitted_better():
    y = np.sign(np.sin(4 * PLANE[:, 0]) + PLANE[:, 1])
    found = [
        make_pipeline(features, Ridge(0.1)).fit(PLANE, y).score(PLANE, y)
        for features in (
            NystroemFeatures(random_state=0),
            two_widths(random_state=0),
        )
    ]
    assert 1 - found[1] < 0.75 * (1 - found[0])


@pytest.mark.parametrize("X", [PLANE, SPACE], ids=["two parts", "one part"])
def test_plain_and_named(X):
    features = fit(X)
    expected = features.transform(X)
    names = features.get_feature_names_out()
    assert len(names) == expected.shape[1]
    assert names[0] == "multiscalenystroem0"


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_components", 0), ("ratio", 0.5), ("ratio", np.nan), ("ratio", "auto")],
)
def test_parameters_are_checked_in_fit(name, value):
    features = two_widths(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of MultiscaleNystroem"):
        features.fit(PLANE)


@parametrize_with_checks([two_widths()])
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


class TestInLogs:
    def test_the_classifier_has_them_too(self):
        union = Pessimistic.default_classifier().linear[1]
        kinds = [type(part) for _, part in union.transformer_list]
        assert kinds == [str, type(two_widths())]

    def test_a_policy_with_both_parts_is_saved_and_loaded(self, tmp_path):
        actions = (PLANE[:, 0] > 0).astype(int)
        policy = AMPOPolicy(max_iter=1, random_state=0).fit(
            PLANE, actions, rewards=actions, next_states=PLANE, terminated=0 * actions
        )
        policy.save(tmp_path / "policy.skampo")
        again = load(tmp_path / "policy.skampo")
        assert_array_equal(again.predict_proba(PLANE), policy.predict_proba(PLANE))

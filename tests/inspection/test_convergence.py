"""Gaps, bounds and their curves."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skampo import AMPOPolicy
from skampo.inspection import ConvergenceDisplay
from skampo.mdp import TabularMDP, make_random_mdp
from skampo.theory import yuan_bound


def test_gaps_are_those_that_were_published(geometric, mdp):
    gaps = ConvergenceDisplay.from_estimator(geometric, mdp).gaps
    assert gaps.shape == (21,)
    assert_allclose(gaps[[1, 5, 10]], [2.8239, 2.3663, 1.6016], atol=5e-5)
    assert gaps[20] == pytest.approx(0.28034, abs=5e-6)


def test_the_first_gap_is_that_of_the_uniform_policy(geometric, mdp):
    gaps = ConvergenceDisplay.from_estimator(geometric, mdp).gaps
    assert gaps[0] == pytest.approx(8.412034 - 5.495733, abs=1e-6)


def test_the_curve_comes_down_to_the_floor_and_ends(greedy, mdp):
    display = ConvergenceDisplay.from_estimator(greedy, mdp)
    assert_array_equal(display.gaps == 0, [False, False, True, True, True, True])
    drawn = display.line_.get_ydata()
    assert drawn[2] == 1e-12 * mdp.solve(0.9).values.max()
    assert np.isnan(drawn[3:]).all()
    assert_array_equal(display.end_.get_xdata(), [2])


def test_rounding_counts_as_no_gap():
    display = ConvergenceDisplay([1.0, 5e-13, -1e-15, 2e-12])
    assert_array_equal(display.gaps, [1.0, 0.0, 0.0, 2e-12])


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e6, 1e12])
def test_rounding_is_relative_to_the_values(unit):
    base = make_random_mdp(30, 2, random_state=0)
    # Every action is there twice: mixtures of the two are optimal but for rounding.
    mdp = TabularMDP(
        np.repeat(base.transition, 2, 1), unit * np.repeat(base.reward, 2, 1)
    )
    best = mdp.solve(0.99).proba
    policies = [w * best + (1 - w) * best[:, [1, 0, 3, 2]] for w in (0.3, 0.1, 0.37)]
    uniform = np.full((30, 4), 0.25)
    display = ConvergenceDisplay.from_policies([uniform, *policies], mdp, gamma=0.99)
    assert_array_equal(display.gaps > 0, [True, False, False, False])
    floor = 1e-12 * mdp.solve(0.99).values.max()
    assert_array_equal(display.line_.get_ydata()[1:], [floor, np.nan, np.nan])
    assert_array_equal(display.end_.get_ydata(), [floor])


def test_a_model_that_pays_nothing_has_no_gaps():
    mdp = TabularMDP(np.ones((1, 1, 1)), [[0.0]])
    display = ConvergenceDisplay.from_policies([[[1.0]]], mdp, gamma=0.9)
    assert_array_equal(display.line_.get_ydata(), [1e-12])


def test_a_gap_that_comes_back_is_drawn_again():
    display = ConvergenceDisplay([1.0, 0.0, 0.5, 0.0, 0.0]).plot()
    assert_array_equal(display.line_.get_ydata(), [1.0, 1e-12, 0.5, 1e-12, np.nan])
    assert_array_equal(display.end_.get_xdata(), [1, 3])


def test_a_curve_above_the_floor_has_no_end():
    display = ConvergenceDisplay([1.0, 0.5]).plot()
    assert display.end_.get_xdata().size == 0
    assert display.ax_.get_ylim()[0] > 1e-3


def test_bounds_are_dashed_and_have_the_color_of_the_gaps():
    display = ConvergenceDisplay([1.0, 0.5], bounds=[2.0, 1.0], name="soft").plot()
    assert_array_equal(display.bound_.get_ydata(), [2.0, 1.0])
    assert display.bound_.get_linestyle() == "--"
    assert display.bound_.get_color() == display.line_.get_color()
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["soft", "bound of soft"]


def test_bounds_can_be_a_function_of_the_iterations():
    display = ConvergenceDisplay([1.0, 0.5, 0.25], bounds=lambda t: 2.0 / (t + 1))
    assert_allclose(display.bounds, [2.0, 1.0, 2.0 / 3])


def test_theory_gives_bounds(geometric, mdp):
    bound = partial(yuan_bound, gamma=0.9, theta=22.712055)
    display = ConvergenceDisplay.from_estimator(geometric, mdp, bounds=bound)
    assert (display.bounds >= display.gaps).all()
    assert_allclose(display.bounds[[1, 10]], [19.12, 12.75], atol=5e-3)


def test_keywords_reach_the_lines(geometric, mdp):
    display = ConvergenceDisplay.from_estimator(
        geometric,
        mdp,
        name="a",
        bounds=np.full(21, 3.0),
        color="red",
        bound_kw={"label": "theory"},
    )
    assert display.line_.get_color() == "red"
    assert (display.line_.get_label(), display.bound_.get_label()) == ("a", "theory")


def test_a_name_given_to_plot_wins():
    display = ConvergenceDisplay([1.0], name="a").plot(name="b")
    assert display.line_.get_label() == "b"
    assert display.name == "a"


def test_a_nameless_curve_has_no_legend():
    assert ConvergenceDisplay([1.0]).plot().ax_.get_legend() is None


def test_curves_share_axes(geometric, greedy, mdp):
    _, ax = plt.subplots()
    first = ConvergenceDisplay.from_estimator(geometric, mdp, name="a", ax=ax)
    second = ConvergenceDisplay.from_estimator(greedy, mdp, name="b", ax=ax)
    assert first.ax_ is second.ax_ is ax
    assert first.figure_ is ax.figure
    assert first.line_.get_color() != second.line_.get_color()
    assert (ax.get_yscale(), ax.get_xlabel()) == ("log", "iteration")
    assert len(plt.get_fignums()) == 1


def test_policies_from_elsewhere(mdp):
    uniform = np.full((10, 4), 0.25)
    display = ConvergenceDisplay.from_policies(
        [uniform, mdp.solve(0.9).proba], mdp, gamma=0.9, name="by hand"
    )
    assert display.gaps[0] == pytest.approx(2.916301, abs=1e-6)
    assert display.gaps[1] == 0


def test_an_earlier_iterate_that_was_kept_is_not_taken_for_the_last(mdp):
    policy = AMPOPolicy(
        gamma=0.9, max_iter=3, early_stopping=True, n_iter_no_change=None
    ).fit(mdp)
    gaps = ConvergenceDisplay.from_estimator(policy, mdp).gaps
    assert len(gaps) == 3 + (policy.best_iteration_ == 3)
    policy.best_iteration_ = 1
    assert len(ConvergenceDisplay.from_estimator(policy, mdp).gaps) == 3


def test_no_iterations_are_one_gap(mdp):
    policy = AMPOPolicy(gamma=0.9, max_iter=0).fit(mdp)
    gaps = ConvergenceDisplay.from_estimator(policy, mdp).gaps
    assert_allclose(gaps, [2.916301], atol=1e-6)


@pytest.mark.parametrize("gaps", [[], [[1.0]], 1.0])
def test_gaps_of_another_shape(gaps):
    with pytest.raises(ValueError, match=r"gaps must have shape \(n_iter \+ 1,\)"):
        ConvergenceDisplay(gaps)


@pytest.mark.parametrize("gap", [np.nan, np.inf, -0.1])
def test_impossible_gaps(gap):
    with pytest.raises(ValueError, match="finite and not negative"):
        ConvergenceDisplay([1.0, gap])


@pytest.mark.parametrize("unit", [0.0, -1.0, np.nan, np.inf, "big"])
def test_invalid_units(unit):
    with pytest.raises(ValueError, match="unit must be a float in the range"):
        ConvergenceDisplay([1.0], unit=unit)


@pytest.mark.parametrize("bounds", [[1.0], lambda t: t[1:]])
def test_bounds_of_another_length(bounds):
    with pytest.raises(ValueError, match=r"bounds must have shape \(2,\)"):
        ConvergenceDisplay([1.0, 0.5], bounds=bounds)


def test_a_policy_of_labels_has_no_exact_returns(mdp):
    policy = AMPOPolicy(max_iter=1).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match="Use from_policies"):
        ConvergenceDisplay.from_estimator(policy, mdp)

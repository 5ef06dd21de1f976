"""Reports on policies: verdicts with known truth, and what they are shown as."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier

from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.off_policy import PolicyReport
from tests.off_policy.absorbing import Absorbing
from tests.off_policy.layered import TablePolicy, one_hot
from tests.tags import HOSTILE, Tags


def always(action):
    return DummyClassifier(strategy="constant", constant=action).fit(
        [[0.0], [1.0]], ["a", "b"]
    )


def bandit(n=400, effect=1.0, share=0.5, seed=0):
    """Action "b", shown in this share of the rows, pays more by the effect."""
    rng = np.random.default_rng(seed)
    shown = np.where(rng.random(n) < share, "b", "a")
    paid = effect * (shown == "b") + rng.normal(size=n)
    return TransitionLog(
        rng.normal(size=(n, 1)),
        shown,
        paid,
        propensities=np.where(shown == "b", share, 1 - share),
    )


def without_propensities(log):
    return dataclasses.replace(log, propensities=None)


def report(policy, log, **options):
    return PolicyReport.from_estimator(policy, log, random_state=0, **options)


@pytest.fixture(scope="module")
def good():
    return report(always("b"), bandit())


def test_a_policy_that_gains_is_deployed(good):
    assert good.verdict == "deploy"
    assert good.difference.low < 0.5 < good.difference.high
    assert "difference of 0." in good.reasons[0]
    assert next(iter(good.estimates)) == "doubly_robust"
    assert good.warnings == ()


@pytest.mark.parametrize("effect", [-1.0, 0.0])
def test_a_policy_that_does_not_gain_is_not(effect):
    assert report(always("b"), bandit(effect=effect)).verdict == "do not deploy"


def test_the_gain_that_is_needed(good):
    needed = report(always("b"), bandit(), min_gain=good.difference.low + 0.01)
    assert needed.verdict == "do not deploy"
    assert needed.difference == good.difference
    assert f"{needed.min_gain:.4g} or less is not excluded" in needed.reasons[0]


def test_the_difference_is_known_better_than_both_values(good):
    widths = [
        interval.high - interval.low
        for interval in (good.estimates["doubly_robust"], good.logged, good.difference)
    ]
    # That of two values of other episodes would be 1.
    assert widths[2] < 0.8 * np.hypot(widths[0], widths[1])


def test_without_propensities_they_are_estimated():
    found = report(always("b"), without_propensities(bandit()))
    assert found.verdict == "deploy"
    assert set(found.estimates) == {
        "doubly_robust, estimated propensities",
        "fitted_q_evaluation",
    }
    assert found.difference.low < 0.5 < found.difference.high


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (bandit(60), "effective sample size is 2[0-9].* of 60 episodes"),
        (without_propensities(bandit(share=0.01)), "of its probability to actions tha"),
        (
            dataclasses.replace(bandit(), propensities=np.full(400, 0.9)),
            "importance weights of 400 rows have a mean of 0.5",
        ),
    ],
)
def test_what_the_log_cannot_answer(log, reason):
    found = report(always("b"), log)
    assert found.verdict == "the log cannot answer"
    assert any(pd.Series(found.reasons).str.contains(reason)), found.reasons
    assert set(found.reasons) & set(found.warnings) or found.warnings


def test_an_action_that_the_log_never_shows():
    log = without_propensities(bandit())
    log = dataclasses.replace(log, actions=np.full(400, "a"), classes=["a", "b"])
    found = report(always("b"), log)
    assert found.verdict == "the log cannot answer"
    assert "gives 100% of its probability to actions that the log never" in str(found)


def test_a_heavy_tail_is_an_objection():
    rng = np.random.default_rng(0)
    # Weights of "b" are above x with a chance that falls with its power 7/6.
    propensities = rng.random(2000) ** 6
    shown = np.where(rng.random(2000) < propensities, "b", "a")
    chosen = np.where(shown == "b", propensities, 1 - propensities)
    log = TransitionLog(propensities[:, None], shown, shown == "b", propensities=chosen)
    found = report(always("b"), log)
    assert found.pareto_k > 0.7
    assert found.verdict == "the log cannot answer"
    assert any("Pareto-k" in reason for reason in found.reasons)


MODEL = Absorbing.random(5, distance=0.6)


@pytest.mark.parametrize("known", [True, False])
def test_the_logged_policy_itself_differs_by_nothing(known):
    log = one_hot(MODEL.draw(200, 0), 4)
    log = log if known else without_propensities(log)
    found = report(TablePolicy(MODEL.behavior, one_hot=True), log, gamma=0.9)
    assert found.verdict == "do not deploy"
    assert found.difference.low < 0 < found.difference.high
    # Values and returns of the same episodes: most of the noise is in both.
    width = found.difference.high - found.difference.low
    assert width < 0.7 * (found.logged.high - found.logged.low)


def test_episodes_that_were_cut_are_worth_what_follows_as_well():
    """Each step pays 1 for action "b" for ever, half of it at even chances."""
    rng = np.random.default_rng(0)
    shown = rng.choice(["a", "b"], size=800)
    log = TransitionLog(
        np.ones((800, 1)),
        shown,
        shown == "b",
        np.ones((800, 1)),
        truncated=np.tile([False] * 3 + [True], 200),
        episodes=np.repeat(np.arange(200), 4),
        propensities=np.full(800, 0.5),
    )
    found = report(always("b"), log, gamma=0.8)
    assert_allclose(found.logged.estimate, 0.5 / 0.2, rtol=0.1)
    assert_allclose(found.difference.estimate, 0.5 / 0.2, rtol=0.15)
    assert found.verdict == "deploy"


def test_a_single_episode_has_no_answer():
    log = one_hot(MODEL.draw(200, 0), 4)
    single = log[log.episodes == log.episodes[-1]]
    found = report(TablePolicy(MODEL.behavior, one_hot=True), single, gamma=0.9)
    assert found.verdict == "the log cannot answer"


def test_columns_in_which_the_policy_deviates():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({HOSTILE: rng.normal(size=400), "noise": rng.normal(size=400)})
    table["shown"] = rng.choice(["a", "b"], size=400)
    table["shown"] = np.where(table[HOSTILE] > 0, "a", table["shown"])
    table["paid"] = rng.normal(size=400)
    log = TransitionLog.from_frame(
        table, state=[HOSTILE, "noise"], action="shown", reward="paid"
    )
    found = report(always("b"), log)
    assert list(found.deviations) == [HOSTILE]
    # Chances of 0 and 1/2 on both sides: a third of the variance is between them.
    assert 0.2 < found.deviations[HOSTILE] < 0.5
    assert_allclose(found.agreement, (table["shown"] == "b").mean())


def test_the_same_seed_says_the_same(good):
    assert report(always("b"), bandit()) == good


@pytest.fixture
def hostile(good):
    estimate = good.difference
    return dataclasses.replace(
        good,
        reasons=(f"because {HOSTILE}",),
        estimates={HOSTILE: estimate},
        deviations={HOSTILE: 0.5},
        warnings=(HOSTILE,),
    )


@pytest.mark.parametrize("whole", [True, False])
def test_the_page_is_whole_and_loads_nothing(hostile, whole, tmp_path):
    hostile.to_html(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf8")
    text = text if whole else hostile._repr_html_()
    tags = Tags.of(text)
    assert tags.open == tags.loaded == []
    assert not tags.names & {"script", "link", "img", "iframe"}
    assert "url(" not in text
    assert "http" not in text
    assert tags.text.count(HOSTILE) == 4
    assert "prefers-color-scheme: dark" in text
    assert "deploy" in tags.text


def test_intervals_that_are_not_there_are_not_drawn(good):
    missing = dataclasses.replace(good.difference, low=np.nan, high=np.nan)
    text = dataclasses.replace(good, difference=missing)._repr_html_()
    assert "nan" not in text.lower()


def test_the_picture(good):
    ax = good.plot()
    assert ax.get_title() == "deploy"
    assert len(ax.get_yticklabels()) == 1 + len(good.estimates)
    assert good.plot(ax) is ax
    plt.close(ax.figure)


def test_what_is_refused():
    log = one_hot(MODEL.draw(20, 0), 4)
    policy = TablePolicy(MODEL.behavior, one_hot=True)
    with pytest.raises(InvalidParameterError, match="'gamma' parameter of from_estima"):
        report(policy, log)
    with pytest.raises(InvalidParameterError, match="'baseline' parameter of from_"):
        report(policy, log, gamma=0.9, baseline="even")
    with pytest.raises(InvalidParameterError, match=r"'min_gain' .* Got nan"):
        report(policy, log, gamma=0.9, min_gain=np.nan)
    with pytest.raises(InvalidParameterError, match=r"TransitionLog\.from_frame"):
        report(policy, pd.DataFrame({"a": [1]}))

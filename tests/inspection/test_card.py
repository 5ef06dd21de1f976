"""Cards of policies: what they say, with known truth, and the page."""

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from gymnasium import spaces
from numpy.testing import assert_allclose
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.distill import TreePolicy
from skampo.exceptions import InvalidParameterError
from skampo.inspection import PolicyCard
from skampo.preprocessing import EnvTransformer
from tests.inspection.drawing import SignEnv
from tests.tags import HOSTILE, Tags

SIGN = "skampo-tests/Sign-v0"
PARAMETERS = {
    "gamma": 0.0,
    "step_size": "greedy",
    "max_iter": 2,
    "steps_per_iter": 400,
    "n_envs": 2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def policy():
    return AMPOPolicy(DecisionTreeRegressor(max_leaf_nodes=4), **PARAMETERS).fit(SIGN)


def card_of(policy, env=SIGN, **options):
    options = {"n_episodes": 30, "random_state": 0, **options}
    return PolicyCard.from_estimator(policy, env, **options)


@pytest.fixture(scope="module")
def card(policy):
    return card_of(policy, feature_names=["sign", "noise"], action_names=["no", "yes"])


def test_what_is_said_is_true(policy, card):
    # The sign of the first number is all that matters, and it is known within 0.05.
    assert card.return_.mean == card.returns.mean() > 3.5
    assert card.return_.low < card.returns.mean() < card.return_.high
    assert card.lengths.tolist() == [8] * 30
    assert_allclose(card.action_shares["yes"], 0.5, atol=0.1)
    assert sum(card.action_shares.values()) == pytest.approx(1)
    assert list(card.importances) == ["sign", "noise"]
    # The sign of another state is the other one in half of the cases.
    assert_allclose(card.importances["sign"], 0.5, atol=0.1)
    assert card.importances["noise"] == pytest.approx(0, abs=0.05)
    values, proba = card.partial_dependence["sign"]
    assert_allclose(proba[values < -0.1], np.tile([1, 0], (sum(values < -0.1), 1)))
    assert_allclose(proba[values > 0.1], np.tile([0, 1], (sum(values > 0.1), 1)))
    assert card.history == policy.history_
    assert "sign <=" in card.tree
    assert "class: yes" in card.tree
    assert card.student.return_.mean > 3.5


def test_a_seed_says_the_same_and_another_one_plays_other_episodes(policy, card):
    again = card_of(policy, feature_names=card.importances, action_names=["no", "yes"])
    assert str(again) == str(card)
    assert again.film == card.film
    other = card_of(policy, random_state=1)
    assert (other.returns != card.returns).any()


def test_the_film_is_an_episode(card):
    image = Image.open(io.BytesIO(card.film))
    assert image.format == "GIF"
    assert image.n_frames == 9


def test_what_does_not_draw_has_no_film(policy):
    card = card_of(policy, SignEnv)
    assert card.film == b""
    assert "draws no pictures" in card._repr_html_()


class Numbered(SignEnv):
    """Shows one of a hundred numbers."""

    def __init__(self):
        super().__init__()
        self.observation_space = spaces.Discrete(100)

    def _draw(self):
        super()._draw()
        return int(50 + 50 * self.numbers[0])


def test_values_of_features_are_some_that_occur():
    numbered = AMPOPolicy(**PARAMETERS).fit(Numbered)
    values, proba = card_of(numbered, Numbered).partial_dependence["x0"]
    assert len(values) == len(proba) == 40
    assert (values == values.astype(int)).all()


def test_masks_are_kept(policy):
    card = card_of(policy, lambda: SignEnv(mask=lambda numbers: [0, 1]))
    assert card.action_shares == {"0": 0.0, "1": 1.0}
    assert set(card.importances.values()) == {0.0}
    assert_allclose(card.partial_dependence["x0"][1][:, 1], 1.0)
    assert card.tree == "|--- class: 1\n"


def test_importance_keeps_the_masks_of_the_states(policy):
    # Action 1 everywhere: where it is not best, it is forced, and nothing changes that.
    card = card_of(policy, lambda: SignEnv(mask=lambda numbers: [numbers[0] > 0, 1]))
    assert card.action_shares["1"] > 0.95
    assert_allclose(card.importances["x0"], 0.25, atol=0.06)


def test_pipelines_and_trees_have_cards(policy):
    pipe = make_pipeline(EnvTransformer(FunctionTransformer()), clone(policy)).fit(SIGN)
    assert card_of(pipe).return_.mean > 3.5
    tree = TreePolicy(policy, max_iter=1, random_state=0).fit(SIGN)
    card = card_of(tree)
    assert card.return_.mean > 3.5
    assert "no record of returns" in card._repr_html_()
    assert "steps of learning: unknown" in str(card)


@pytest.fixture
def hostile(policy):
    card = card_of(
        policy, feature_names=[HOSTILE, "b"], action_names=["a", f"{HOSTILE}!"]
    )
    return dataclasses.replace(card, policy=HOSTILE, environment=HOSTILE)


@pytest.mark.parametrize("whole", [True, False])
def test_the_page_is_whole_and_loads_nothing(hostile, whole, tmp_path):
    hostile.to_html(tmp_path / "card.html")
    text = (tmp_path / "card.html").read_text(encoding="utf8")
    text = text if whole else hostile._repr_html_()
    tags = Tags.of(text)
    assert tags.open == tags.loaded == []
    assert not tags.names & {"script", "link", "iframe"}
    assert "url(" not in text
    assert "http" not in text
    assert tags.text.count(HOSTILE) >= 8
    assert "nan" not in re.sub('base64,[^"]*', "", text).lower()
    assert "prefers-color-scheme: dark" in text
    shown = re.search('data:image/gif;base64,([^"]*)', text).group(1)
    assert base64.b64decode(shown) == hostile.film


def test_equal_returns_and_histories_without_returns_are_said(card):
    same = np.full(30, 8.0)
    history = [{**record, "return_mean": np.nan} for record in card.history]
    text = dataclasses.replace(card, returns=same, history=history)._repr_html_()
    assert "All 30 episodes have this return" in text
    assert "no record of returns" in text


def test_many_features_and_actions_are_not_all_shown(card):
    importances = {f"feature {j}": 0.01 * (20 - j) for j in range(20)}
    text = dataclasses.replace(card, importances=importances)._repr_html_()
    assert "feature 9<" in text
    assert "feature 10<" not in text
    assert "Another 10 matter less" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_episodes": 1}, "'n_episodes' parameter of from_estimator"),
        ({"max_leaf_nodes": 1}, "'max_leaf_nodes' parameter of from_estimator"),
        ({"feature_names": ["a"]}, "'feature_names' .* must be 2 different names"),
        ({"action_names": ["a", "a"]}, "'action_names' .* must be 2 different names"),
    ],
)
def test_what_is_refused(policy, options, message):
    with pytest.raises(InvalidParameterError, match=message):
        card_of(policy, **options)


def test_no_environment_or_policy(policy):
    with pytest.raises(ValueError, match=r"needs an environment.*PolicyReport"):
        card_of(policy, np.zeros((3, 2)))
    with pytest.raises(TypeError, match=r"policy of this package.* Got Ridge"):
        card_of(Ridge())

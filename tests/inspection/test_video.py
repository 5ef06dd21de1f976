"""Films of episodes."""

import numpy as np
import pytest
from PIL import Image, ImageSequence
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.inspection import record_video
from skampo.model_selection import make_return_scorer, make_tasks
from skampo.preprocessing import EnvTransformer
from tests.inspection.drawing import SignEnv
from tests.scripted import RewardingEnv

SIGN = "skampo-tests/Sign-v0"
SMALL = {"max_iter": 1, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
ONE = DummyClassifier(strategy="constant", constant=1).fit([[0]] * 2, [0, 1])


@pytest.fixture(scope="module")
def policy():
    return AMPOPolicy(gamma=0.0, **SMALL).fit(SignEnv)


def frames(path):
    with Image.open(path) as image:
        pictures = ImageSequence.Iterator(image)
        return [np.asarray(picture.convert("RGB")) for picture in pictures]


@pytest.mark.parametrize("ending", ["gif", "webp", "PNG"])
def test_every_step_is_a_picture(policy, ending, tmp_path):
    path = tmp_path / f"sign.{ending}"
    results = record_video(policy, SIGN, path)
    assert results.lengths.tolist() == [8]
    shown = frames(path)
    # The first state, and the one after each step.
    assert [picture.shape for picture in shown] == [(6, 9, 3)] * 9
    brightness = [picture.mean() for picture in shown]
    np.testing.assert_allclose(brightness, 25 * np.arange(9), atol=2)


def test_the_film_has_the_speed_of_the_environment(policy, tmp_path):
    record_video(policy, SIGN, tmp_path / "sign.gif")
    with Image.open(tmp_path / "sign.gif") as image:
        assert image.info["duration"] == 100


def drawn(**kwargs):
    return SignEnv(render_mode="rgb_array", **kwargs)


@pytest.mark.parametrize("env", [SIGN, [SIGN, "CartPole-v1"], drawn, drawn()])
def test_the_episode_is_that_of_play(policy, env, tmp_path):
    path = tmp_path / "sign.gif"
    seen = [record_video(policy, env, path, seed=seed).returns[0] for seed in range(4)]
    first = env[0] if isinstance(env, list) else env
    wanted = [policy.play(first, 1, seed=seed).returns[0] for seed in range(4)]
    assert seen == wanted
    assert len(set(wanted)) > 1


def test_the_episode_of_a_task_is_its_own(policy, tmp_path):
    path = tmp_path / "sign.gif"
    returns = []
    for task in make_tasks(SIGN, 4, seed=5):
        returns.append(record_video(policy, task, path).returns[0])
        assert returns[-1] == policy.play(task, 1).returns[0]
    assert len(set(returns)) > 1


def test_pipelines_and_classifiers_play(policy, tmp_path):
    pipe = make_pipeline(
        EnvTransformer(FunctionTransformer(np.negative)), clone(policy)
    )
    pipe.fit(SIGN)
    path, one = tmp_path / "sign.gif", make_return_scorer(n_episodes=1)
    assert record_video(pipe, SIGN, path).returns[0] == one(pipe, SIGN)
    assert record_video(ONE, SIGN, path).lengths[0] == len(frames(path)) - 1


def test_draws_of_the_policy_can_be_filmed(policy, tmp_path):
    path = tmp_path / "sign.gif"
    seen = record_video(policy, SIGN, path, deterministic=False, seed=3)
    wanted = policy.play(SIGN, 1, deterministic=False, seed=3)
    assert seen.returns == wanted.returns


@pytest.mark.parametrize("path", ["film.mp4", "film", None])
def test_other_files_are_refused_before_anything_is_played(path):
    with pytest.raises(InvalidParameterError, match=r"one of \.gif, \.png, \.webp"):
        record_video(None, lambda: 1 / 0, path)


@pytest.mark.parametrize("env", [SignEnv, RewardingEnv])
def test_environments_that_do_not_draw(env, tmp_path):
    with pytest.raises(ValueError, match=f'{env.__name__} draws no pictures.*"rgb_arr'):
        record_video(ONE, env, tmp_path / "film.gif")


def test_without_pillow(policy, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match=r"Pillow.*skampo\[viz\]"):
        record_video(policy, SIGN, tmp_path / "film.gif")

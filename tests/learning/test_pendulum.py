"""The recipe for boxes of actions: a few of them are enough for the pendulum."""

import gymnasium
import pytest
from gymnasium.wrappers import DiscretizeAction

from skampo import AMPOPolicy
from skampo.step_sizes import TrustRegion


def make_env():
    return DiscretizeAction(gymnasium.make("Pendulum-v1"), bins=3)


def make_policy(**parameters):
    return AMPOPolicy(gamma=0.95, early_stopping=True, **parameters)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_three_torques_swing_the_pendulum_up(seed):
    policy = make_policy(
        step_size=TrustRegion(0.2),
        max_iter=24,
        validation_episodes=5,
        n_iter_no_change=None,
        random_state=seed,
    ).fit(make_env)
    # Random torques get -1,200.
    assert policy.score(make_env) > -600


def test_the_error_for_a_box_leads_to_an_environment_that_fits():
    match = r"Pendulum-v1 has action_space=Box.*gymnasium.wrappers.DiscretizeAction\("
    with pytest.raises(ValueError, match=match):
        AMPOPolicy().fit("Pendulum-v1")
    policy = make_policy(max_iter=1, steps_per_iter=16, random_state=0).fit(make_env)
    assert policy.classes_.tolist() == [0, 1, 2]
    env = make_env()
    observation, _ = env.reset(seed=0)
    env.step(policy.act(observation))


def test_several_numbers_become_joint_actions():
    space = gymnasium.spaces.Box(-1.0, 1.0, (2,))

    class Box(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))
        action_space = space

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return self.observation_space.low, {}

        def step(self, action):
            assert space.contains(action)
            return self.observation_space.low, float(action.sum()), True, False, {}

    for multidiscrete, shape in ((False, (6,)), (True, (6, 2))):
        make = lambda joint=multidiscrete: DiscretizeAction(
            Box(), bins=(2, 3), multidiscrete=joint
        )
        policy = AMPOPolicy(max_iter=2, steps_per_iter=32, random_state=0).fit(make)
        assert policy.classes_.shape == shape
        assert policy.score(make, n_episodes=1) <= 2.0

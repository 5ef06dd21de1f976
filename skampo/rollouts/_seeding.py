"""Reset seeds that do not depend on how environments interleave."""

import numpy as np

TRAINING = 0
VALIDATION = 1
SCORING = 2
# What leads after one set of episodes has to lead after the next ones as well.
VALIDATIONS = (VALIDATION, 3, 4, 5)


def reset_seed(seed, stream, index, episode, task_seed=None):
    """Return the seed of one reset, as the python int that gymnasium insists on."""
    # A sum of these would give different environments the same seeds.
    key = (stream, index, episode)
    if task_seed is not None:
        key = (*key, task_seed)
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return int(sequence.generate_state(1)[0])


def action_generator(seed, stream, n_past_episodes):
    """Return the generator that actions are drawn with."""
    # Keys of two entries never meet those of reset_seed, which have at least three.
    sequence = np.random.SeedSequence(seed, spawn_key=(stream, n_past_episodes))
    return np.random.default_rng(sequence)

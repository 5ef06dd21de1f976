"""An episode as a film."""

import os
from pathlib import Path

from skampo.model_selection._scorer import ReturnScorer
from skampo.rollouts._film import film_episode
from skampo.rollouts._play import EpisodeResults
from skampo.utils._validation import Constraint, check_argument

_FORMATS = (".gif", ".png", ".webp")


def _is_film(path):
    is_path = isinstance(path, str | os.PathLike)
    return is_path and Path(path).suffix.lower() in _FORMATS


_PATH = Constraint(f"a path that ends in one of {', '.join(_FORMATS)}", _is_film)


def record_video(
    policy,
    env,
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    deterministic: bool = True,
) -> EpisodeResults:
    """
    Play an episode, and write what the environment draws as an animation.

    Parameters
    ----------
    policy : policy
        Fitted; also a search, a Pipeline or what else predicts actions.
    env : environment
        Where to play, such as an id. It is made anew with ``render_mode="rgb_array"``,
        if it does not draw yet. Of a list the first is played.
    path : str or path-like
        Where to write: a GIF, WebP, or animated PNG, by its ending.
    seed : int, default=0
        Determines the episode; with 0 it is the first one of ``policy.score``.
    deterministic : bool, default=True
        Take the most probable action; otherwise draw actions from the policy.

    Returns
    -------
    EpisodeResults
        Return and length of the episode.

    Raises
    ------
    InvalidParameterError
        If the path has another ending.
    ValueError
        If the environment draws no pictures, or is not what the policy was fitted on.
    ImportError
        If Pillow is not installed.
    OSError
        If the file cannot be written.

    See Also
    --------
    PolicyCard : A page with a film and more.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.linear_model import Ridge
    >>> from skampo import AMPOPolicy
    >>> from skampo.inspection import record_video
    >>> policy = AMPOPolicy(Ridge(), max_iter=0, random_state=0).fit("CartPole-v1")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "pole.gif")
    ...     results = record_video(policy, "CartPole-v1", path)
    ...     path.stat().st_size > 1000
    True
    """
    check_argument("record_video", "path", path, _PATH)
    scorer = ReturnScorer(1, "mean", seed, deterministic)
    results, film = film_episode(env, lambda make: scorer.play(policy, make))
    film.write(path)
    return results

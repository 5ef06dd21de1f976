"""Pictures of an episode, as its environment draws them."""

from dataclasses import dataclass

import gymnasium
import numpy as np
from gymnasium.wrappers import RenderCollection

from skampo.rollouts._factories import environment_name, resolve_factories

# Browsers show a picture for a tenth of a second if it asks for less than this.
_SHORTEST = 20


@dataclass(frozen=True, eq=False)
class Film:
    """The pictures of an episode, and how many of them a second has."""

    frames: list
    fps: float

    def write(self, target, **options):
        """Write an animation to a file or buffer, with Pillow's options."""
        first, *others = self._images()
        first.save(
            target,
            save_all=True,
            append_images=others,
            duration=max(1000 / self.fps, _SHORTEST),
            loop=0,
            **options,
        )

    def small(self, width, n_frames):
        """As long a film of fewer and smaller pictures."""
        kept = np.linspace(0, len(self.frames) - 1, min(n_frames, len(self.frames)))
        fps = self.fps * len(kept) / len(self.frames)
        images = Film([self.frames[i] for i in kept.astype(int)], fps)._images()
        for image in images:
            image.thumbnail((width, width))
        return Film([np.asarray(image) for image in images], fps)

    def _images(self):
        try:
            from PIL import Image
        except ImportError as error:
            raise ImportError(
                "Films are written with Pillow, which is not installed. "
                'pip install "skampo[viz]"'
            ) from error
        return [Image.fromarray(np.asarray(frame)) for frame in self.frames]


def film_episode(X, play):
    """What a function of an environment plays, and pictures of it."""
    source = resolve_factories(X)[0]
    # Made before it is asked for, so that the error says what is wrong with it.
    environment = RenderCollection(_drawing(source.make()))

    def make():
        return environment

    make.__name__ = source.label
    # As functions of tasks have it: the episode is that of the task.
    make.seed = source.task_seed
    results = play(make)
    fps = environment.metadata.get("render_fps") or 30
    return results, Film(environment.frame_list, fps)


def _drawing(environment):
    """The environment, made anew if it was made without pictures."""
    if environment.render_mode == "rgb_array":
        return environment
    modes, spec = environment.metadata.get("render_modes", ()), environment.spec
    if spec is None or "rgb_array" not in modes:
        raise ValueError(
            f"{environment_name(environment)} draws no pictures. A film needs an "
            'environment of gymnasium.make, or one with render_mode="rgb_array"; it '
            f"has render_mode={environment.render_mode!r}."
        )
    environment.close()
    return gymnasium.make(spec, render_mode="rgb_array", disable_env_checker=True)

"""Transformers of states for Pipelines that are fitted to environments."""

from skampo.preprocessing._env_transformer import EnvTransformer

__all__ = ["EnvTransformer"]

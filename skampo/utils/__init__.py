"""Validation and the few places that lean on scikit-learn's internals."""

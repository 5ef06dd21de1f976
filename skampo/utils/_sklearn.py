"""The only place that may touch scikit-learn's private interfaces."""

from sklearn.utils.validation import _check_sample_weight, has_fit_parameter

__all__ = ["CALLBACK_ATTRIBUTES", "check_sample_weight", "takes_sample_weight"]

#: Where scikit-learn keeps the callbacks of an estimator.
CALLBACK_ATTRIBUTES = ("_skl_callbacks", "_skl_callbacks_to_teardown")


def check_sample_weight(sample_weight, X):
    """Weights of the rows of `X` as floats; negative or all-zero ones are refused."""
    return _check_sample_weight(
        sample_weight,
        X,
        dtype=float,
        ensure_non_negative=True,
        allow_all_zero_weights=False,
    )


def takes_sample_weight(estimator):
    """Whether `estimator.fit` names a ``sample_weight`` parameter."""
    return has_fit_parameter(estimator, "sample_weight")

"""Products with the matrix of a sparse policy, as scipy makes them."""

from contextlib import contextmanager
from unittest.mock import patch

from scipy.sparse.linalg import LinearOperator


@contextmanager
def counted_products():
    """A list that grows by one with each product, in a with statement."""
    products, plain = [], LinearOperator.matvec

    def counted(self, x):
        products.append(len(x))
        return plain(self, x)

    with patch.object(LinearOperator, "matvec", counted):
        yield products

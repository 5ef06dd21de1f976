"""
The steps in plain Python: an exported file holds the source of those that it needs.

Nothing here may use more than `math`, and each function only others of this module. The
small Pythons of microcontrollers have a `zip` without ``strict``.
"""
# ruff: noqa: B905

import math


def numbers(observation):
    """One number, or however nested ones, as a flat list of floats."""
    # Each letter of a word is a word.
    if isinstance(observation, str):
        raise TypeError(f"{observation!r} is no number")
    try:
        parts = list(observation)
    except TypeError:
        return [float(observation)]
    return [x for part in parts for x in numbers(part)]


def standardize(x, center, scale):
    """Columns less their centers, in units of their scales."""
    return [(v - c) / s for v, c, s in zip(x, center, scale)]


def stretch(x, factor, offset):
    """Columns times factors, plus offsets."""
    return [v * f + o for v, f, o in zip(x, factor, offset)]


def times(x, factor):
    """All columns times one factor."""
    return [v * factor for v in x]


def affine(x, rows, offset):
    """Products with rows of weights, plus offsets."""
    return [sum(w * v for w, v in zip(row, x)) + o for row, o in zip(rows, offset)]


def gaussian(x, points, gamma):
    """Gaussian kernels of a point and landmarks."""
    return [
        math.exp(-gamma * sum((v - z) * (v - z) for v, z in zip(x, point)))
        for point in points
    ]


def onehot(x, column, known):
    """One for each known value of a column, 1 for the one that it has."""
    return [float(x[column] == value) for value in known]


def pick(x, columns):
    """Some columns."""
    return [x[column] for column in columns]


def join(*parts):
    """The columns of several parts, one after the other."""
    return [v for part in parts for v in part]


def cosine(x):
    """Cosines."""
    return [math.cos(v) for v in x]


def exponential(x):
    """Exponentials."""
    return [math.exp(v) for v in x]


def logistic(x):
    """Logistic functions, which do not overflow."""
    return [0.5 + 0.5 * math.tanh(0.5 * v) for v in x]


def rectify(x):
    """Positive parts."""
    return [max(v, 0.0) for v in x]


def tangent(x):
    """Hyperbolic tangents."""
    return [math.tanh(v) for v in x]


def powers(x, exponents):
    """Products of powers of the columns."""
    return [math.prod(v**k for v, k in zip(x, row)) for row in exponents]


def splines(x, column, degree, t):
    """B-splines of a column, constant beyond its knots."""
    n = len(t) - degree - 1
    v = min(max(x[column], t[degree]), t[n])
    span = degree
    while span < n - 1 and v >= t[span + 1]:
        span += 1
    b = [float(i == span) for i in range(len(t) - 1)]
    for level in range(1, degree + 1):
        for i in range(len(t) - 1 - level):
            up, down = t[i + level] - t[i], t[i + level + 1] - t[i + 1]
            rising = (v - t[i]) / up * b[i] if up > 0 else 0.0
            falling = (t[i + level + 1] - v) / down * b[i + 1] if down > 0 else 0.0
            b[i] = rising + falling
    return b[:n]


def trees(x, n_trees, roots, column, threshold, left, right, values):
    """Sum of the leaves that a point falls into."""
    total = [0.0] * len(values[0])
    for node in roots[:n_trees]:
        while column[node] >= 0:
            is_below = x[column[node]] <= threshold[node]
            node = left[node] if is_below else right[node]
        total = [t + v for t, v in zip(total, values[left[node]])]
    return total


def constant(x, values):
    """The same values for every point."""
    return list(values)


def shifted(x, allowed):
    """Scores less the largest allowed one; forbidden ones are -inf."""
    best = max(v for v, ok in zip(x, allowed) if ok)
    return [v - best if ok else -math.inf for v, ok in zip(x, allowed)]


def normalized(weights):
    """Weights that sum to 1."""
    total = sum(weights)
    return [w / total for w in weights]


def project_greedy(x, allowed):
    """Equal shares of the best actions."""
    return normalized([float(v == 0.0) for v in shifted(x, allowed)])


def project_softmax(x, allowed, eta):
    """Probabilities of the softmax."""
    return normalized([math.exp(eta * v) for v in shifted(x, allowed)])


def project_simplex(x, allowed, eta):
    """Nearest probabilities to the scores."""
    y = [max(eta * v, -2.0) for v in shifted(x, allowed)]
    offset, missing = 0.0, 1.0
    for rank, v in enumerate(sorted(y, reverse=True), 1):
        missing -= v
        if v * rank + missing <= 0.0:
            break
        offset = missing / rank
    return normalized([max(v + offset, 0.0) for v in y])


def peaked(y, potential, inverse):
    """Probabilities whose largest makes the weights sum to 1, by bisection."""

    def weights(peak):
        level = inverse(peak)
        return [
            peak if v == 0.0 else 0.0 if v == -math.inf else potential(v + level)
            for v in y
        ]

    low, high = 1.0 / len(y), 1.0
    while low < (middle := 0.5 * (low + high)) < high:
        if sum(weights(middle)) < 1.0:
            low = middle
        else:
            high = middle
    return normalized(weights(low))


def project_tsallis(x, allowed, eta, q):
    """Probabilities of the Tsallis entropy."""

    def potential(v):
        slope = (q - 1.0) * v / q
        return math.exp(math.log1p(slope) / (q - 1.0)) if slope > -1.0 else 0.0

    def inverse(p):
        return q * math.expm1((q - 1.0) * math.log(p)) / (q - 1.0)

    return peaked([eta * v for v in shifted(x, allowed)], potential, inverse)


def project_hyperbolic(x, allowed, eta, b):
    """Probabilities of the hyperbolic entropy."""

    def potential(v):
        return b * math.sinh(max(v, 0.0))

    def inverse(p):
        return math.asinh(p / b)

    return peaked([eta * v for v in shifted(x, allowed)], potential, inverse)


def project_tangent(x, allowed, eta):
    """Probabilities of the hyperbolic tangent."""

    def potential(v):
        return 0.5 + 0.5 * math.tanh(v)

    def inverse(p):
        return 0.5 * math.log(p / (1.0 - p))

    return peaked([eta * v for v in shifted(x, allowed)], potential, inverse)

/* The steps in C99: an exported file holds those that it needs. Of n numbers x each
   makes m numbers y. */

static void standardize(const double *x, int n, double *y, int m,
                        const double *center, const double *scale)
{
    for (int i = 0; i < n; i++) y[i] = (x[i] - center[i]) / scale[i];
    (void)m;
}

static void stretch(const double *x, int n, double *y, int m,
                    const double *factor, const double *offset)
{
    for (int i = 0; i < n; i++) y[i] = x[i] * factor[i] + offset[i];
    (void)m;
}

static void times(const double *x, int n, double *y, int m, double factor)
{
    for (int i = 0; i < n; i++) y[i] = x[i] * factor;
    (void)m;
}

static void affine(const double *x, int n, double *y, int m,
                   const double *rows, const double *offset)
{
    for (int j = 0; j < m; j++) {
        double sum = 0.0;
        for (int i = 0; i < n; i++) sum += rows[j * n + i] * x[i];
        y[j] = sum + offset[j];
    }
}

static void gaussian(const double *x, int n, double *y, int m,
                     const double *points, double gamma)
{
    for (int j = 0; j < m; j++) {
        double sum = 0.0;
        for (int i = 0; i < n; i++) {
            double d = x[i] - points[j * n + i];
            sum += d * d;
        }
        y[j] = exp(-gamma * sum);
    }
}

static void onehot(const double *x, int n, double *y, int m, int column,
                   const double *known)
{
    for (int j = 0; j < m; j++) y[j] = x[column] == known[j] ? 1.0 : 0.0;
    (void)n;
}

static void pick(const double *x, int n, double *y, int m, const int *columns)
{
    for (int j = 0; j < m; j++) y[j] = x[columns[j]];
    (void)n;
}

static void join(const double *x, int n, double *y, int m)
{
    for (int i = 0; i < n; i++) y[i] = x[i];
    (void)m;
}

static void cosine(const double *x, int n, double *y, int m)
{
    for (int i = 0; i < n; i++) y[i] = cos(x[i]);
    (void)m;
}

static void exponential(const double *x, int n, double *y, int m)
{
    for (int i = 0; i < n; i++) y[i] = exp(x[i]);
    (void)m;
}

static void logistic(const double *x, int n, double *y, int m)
{
    for (int i = 0; i < n; i++) y[i] = 1.0 / (1.0 + exp(-x[i]));
    (void)m;
}

static void rectify(const double *x, int n, double *y, int m)
{
    for (int i = 0; i < n; i++) y[i] = x[i] > 0.0 ? x[i] : 0.0;
    (void)m;
}

static void tangent(const double *x, int n, double *y, int m)
{
    for (int i = 0; i < n; i++) y[i] = tanh(x[i]);
    (void)m;
}

static void powers(const double *x, int n, double *y, int m, const int *exponents)
{
    for (int j = 0; j < m; j++) {
        y[j] = 1.0;
        for (int i = 0; i < n; i++)
            for (int k = 0; k < exponents[j * n + i]; k++) y[j] *= x[i];
    }
}

static void splines(const double *x, int n, double *y, int m, int column, int degree,
                    const double *t)
{
    /* Of all splines only degree + 1 are not 0; b holds those of the span of v. */
    double v = x[column];
    if (v < t[degree]) v = t[degree];
    if (v > t[m]) v = t[m];
    int span = degree;
    while (span < m - 1 && v >= t[span + 1]) span++;
    for (int j = 0; j < m; j++) y[j] = j == span ? 1.0 : 0.0;
    for (int level = 1; level <= degree; level++) {
        for (int j = span - level; j <= span; j++) {
            double up = t[j + level] - t[j], down = t[j + level + 1] - t[j + 1];
            double rising = up > 0.0 ? (v - t[j]) / up * y[j] : 0.0;
            double next = j < span ? y[j + 1] : 0.0;
            y[j] = rising + (down > 0.0 ? (t[j + level + 1] - v) / down * next : 0.0);
        }
    }
    (void)n;
}

static void trees(const double *x, int n, double *y, int m, int n_trees,
                  const int *roots, const int *column, const double *threshold,
                  const int *left, const int *right, const double *values)
{
    for (int j = 0; j < m; j++) y[j] = 0.0;
    for (int tree = 0; tree < n_trees; tree++) {
        int node = roots[tree];
        while (column[node] >= 0)
            node = x[column[node]] <= threshold[node] ? left[node] : right[node];
        for (int j = 0; j < m; j++) y[j] += values[left[node] * m + j];
    }
    (void)n;
}

static void constant(const double *x, int n, double *y, int m, const double *values)
{
    for (int j = 0; j < m; j++) y[j] = values[j];
    (void)x;
    (void)n;
}

static void shifted(const double *x, int n, double *y, const unsigned char *mask)
{
    double best = -INFINITY;
    for (int i = 0; i < n; i++)
        if ((!mask || mask[i]) && x[i] > best) best = x[i];
    /* Where nothing is allowed, everything counts alike. */
    for (int i = 0; i < n; i++)
        y[i] = best == -INFINITY ? 0.0 : !mask || mask[i] ? x[i] - best : -INFINITY;
}

static void normalize(double *y, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += y[i];
    for (int i = 0; i < n; i++) y[i] /= sum;
}

static void project_greedy(const double *x, int n, double *y,
                           const unsigned char *mask)
{
    shifted(x, n, y, mask);
    for (int i = 0; i < n; i++) y[i] = y[i] == 0.0 ? 1.0 : 0.0;
    normalize(y, n);
}

static void project_softmax(const double *x, int n, double *y,
                            const unsigned char *mask, double eta)
{
    shifted(x, n, y, mask);
    for (int i = 0; i < n; i++) y[i] = exp(eta * y[i]);
    normalize(y, n);
}

static void project_simplex(const double *x, int n, double *y,
                            const unsigned char *mask, double eta)
{
    double offset = 0.0, above = INFINITY, missing = 1.0;
    int rank = 0;
    shifted(x, n, y, mask);
    for (int i = 0; i < n; i++) y[i] = eta * y[i] > -2.0 ? eta * y[i] : -2.0;
    /* From the largest down, equal ones together: no memory to sort in is needed. */
    while (rank < n) {
        double largest = -INFINITY;
        int count = 0;
        for (int i = 0; i < n; i++)
            if (y[i] < above && y[i] > largest) largest = y[i];
        for (int i = 0; i < n; i++)
            if (y[i] == largest) count++;
        if (largest * (rank + 1) + (missing - largest) <= 0.0) break;
        rank += count;
        missing -= count * largest;
        offset = missing / rank;
        above = largest;
    }
    for (int i = 0; i < n; i++) y[i] = y[i] + offset > 0.0 ? y[i] + offset : 0.0;
    normalize(y, n);
}

static double weigh(const double *y, int n, double *out, double peak,
                    double (*potential)(double, double),
                    double (*inverse)(double, double), double parameter)
{
    double sum = 0.0, level = inverse(peak, parameter);
    for (int i = 0; i < n; i++) {
        double w = y[i] == 0.0 ? peak
                   : y[i] == -INFINITY ? 0.0 : potential(y[i] + level, parameter);
        sum += w;
        if (out) out[i] = w;
    }
    return sum;
}

static void peaked(double *y, int n, double (*potential)(double, double),
                   double (*inverse)(double, double), double parameter)
{
    double low = 1.0 / n, high = 1.0, middle = 0.5 * (low + high);
    while (low < middle && middle < high) {
        if (weigh(y, n, 0, middle, potential, inverse, parameter) < 1.0) low = middle;
        else high = middle;
        middle = 0.5 * (low + high);
    }
    weigh(y, n, y, low, potential, inverse, parameter);
    normalize(y, n);
}

static double tsallis_potential(double x, double q)
{
    double slope = (q - 1.0) * x / q;
    return slope > -1.0 ? exp(log1p(slope) / (q - 1.0)) : 0.0;
}

static double tsallis_inverse(double p, double q)
{
    return q * expm1((q - 1.0) * log(p)) / (q - 1.0);
}

static void project_tsallis(const double *x, int n, double *y,
                            const unsigned char *mask, double eta, double q)
{
    shifted(x, n, y, mask);
    for (int i = 0; i < n; i++) y[i] *= eta;
    peaked(y, n, tsallis_potential, tsallis_inverse, q);
}

static double hyperbolic_potential(double x, double b)
{
    return x > 0.0 ? b * sinh(x) : 0.0;
}

static double hyperbolic_inverse(double p, double b)
{
    return asinh(p / b);
}

static void project_hyperbolic(const double *x, int n, double *y,
                               const unsigned char *mask, double eta, double b)
{
    shifted(x, n, y, mask);
    for (int i = 0; i < n; i++) y[i] *= eta;
    peaked(y, n, hyperbolic_potential, hyperbolic_inverse, b);
}

static double tangent_potential(double x, double unused)
{
    (void)unused;
    return 1.0 / (1.0 + exp(-2.0 * x));
}

static double tangent_inverse(double p, double unused)
{
    (void)unused;
    return 0.5 * log(p / (1.0 - p));
}

static void project_tangent(const double *x, int n, double *y,
                            const unsigned char *mask, double eta)
{
    shifted(x, n, y, mask);
    for (int i = 0; i < n; i++) y[i] *= eta;
    peaked(y, n, tangent_potential, tangent_inverse, 0.0);
}

"""Uniformity of the orthogonal kernels, which their orthogonality does not show."""

import numpy as np
from scipy import stats

from keras_initlab.initializers import Orthogonal
from keras_initlab.testing.schemes import numpy


def test_orthogonal_is_uniform():
    """A corner of a Haar matrix is distributed as scipy's, symmetric about 0.

    QR without the signs of R's diagonal makes it negative always.
    """
    ours = [numpy(Orthogonal(seed=seed)((4, 4)))[0, 0] for seed in range(300)]
    theirs = stats.ortho_group(4, seed=0).rvs(3000)[:, 0, 0]
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-6
    assert abs(np.mean(ours)) < 5 * 0.5 / np.sqrt(300)

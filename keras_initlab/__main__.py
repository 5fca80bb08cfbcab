"""`python -m keras_initlab` is `initlab`."""

import sys

from keras_initlab.cli import main

sys.exit(main())

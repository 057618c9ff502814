"""What holds for every test."""

import os

# before torch is loaded; the command line does the same and says why
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

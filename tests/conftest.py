"""What holds for every test."""

import os

from earmark.streams.cli import TORCH_ENVIRONMENT

for name, value in TORCH_ENVIRONMENT.items():
    os.environ.setdefault(name, value)  # before torch is loaded, as the command line does

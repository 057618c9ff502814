"""The benchmark: what Earmark does in a second and a megabyte, beside what others do."""

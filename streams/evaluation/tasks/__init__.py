"""How each signal is evaluated: one module a signal, its questions in `TASKS`."""

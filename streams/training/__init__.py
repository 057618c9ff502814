"""Trains small networks that ship with Earmark: a corpus, mixtures of it, the fit, the measure."""

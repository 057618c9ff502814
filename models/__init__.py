"""Tensors: model cards, the store that finds and verifies weights, architectures, devices."""

"""One module per signal; found by folder, loaded like any plug-in."""

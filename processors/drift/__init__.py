"""How signals move in time: what is counted of them, and whether it is still as it was."""

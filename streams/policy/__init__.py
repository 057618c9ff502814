"""Policies where things move: trials on past profiles, the folder of those in force."""

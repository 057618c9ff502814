"""Verdicts in other people's shapes: OpenAI moderation, DSA, DDEX and atproto.

A projection is a pure function of a verdict, and of the profile behind it where that is at hand. It
says less than the verdict, in words that others know; moments are arguments.
"""

"""Texts classified by instruction, at any endpoint that speaks OpenAI's chat completions."""

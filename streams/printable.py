"""Words of strangers, such as ids, made fit to be shown: none of them may steer what shows them."""


def printable(text: str, *, keep: str = "") -> str:
    """The text without what is not seen, such as what turns a terminal or a direction of reading.

    `keep` are letters that stay all the same, a line feed for instance.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )

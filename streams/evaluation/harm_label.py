"""What the labels of a row say of each of our harms, whoever wrote them."""

from collections.abc import Mapping

from earmark.processors.taxonomy.harm import harms
from earmark.streams.evaluation.manifest import Row

BEGINNING = "text_prompt"  # rows of this kind are cut off before what their label is about

# categories and scores of others to ours; what is not here says nothing of any of ours
_CATEGORIES = {
    "insult": "harassment",
    "hate_ethnic": "hate",
    "hate_gender": "hate",
    "hate_orientation": "hate",
    "identity_attack": "hate",
    "sexually_explicit": "sexual",
    "threat": "violence",
    "dark_humour": "violence",
}
_SCORES = {
    "profanity": "profanity",
    "insult": "harassment",
    "identity_attack": "hate",
    "sexually_explicit": "sexual",
    "threat": "violence",
}


def known_harms(row: Row) -> Mapping[str, float]:
    """How likely each harm is that is spoken of, 0 to 1; a harm that is not there is not known.

    Labels are `harms` (ours, with numbers), `safe`, `scores` or `category`, the first there is.
    A category says that its own harm is there, and nothing of the others.
    """
    own, scores = row.labels.get("harms"), row.labels.get("scores")
    if isinstance(own, dict):
        return {str(name): float(value) for name, value in own.items()}
    if row.labels.get("safe") is True:
        return dict.fromkeys(harms(), 0.0)
    if isinstance(scores, dict):
        return {ours: float(scores[name]) for name, ours in _SCORES.items() if name in scores}
    category = str(row.labels.get("category"))
    ours = category if category in harms() else _CATEGORIES.get(category)
    return {} if ours is None else {ours: 1.0}

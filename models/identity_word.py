"""Words that say which group of people someone belongs to, read as one and the same word.

Abuse names some groups more often than others, so a model of words learns their names as abuse, and
calls it abuse when they are named at all. Where every name is read as one neutral word, a text is
judged alike whoever is named in it, and that somebody is named can still be learned. The words are
neutral ones; slurs are no names. After Badjatiya et al. 2019, Stereotypical Bias Removal for Hate
Speech Detection Task using Knowledge-based Generalizations.
"""

import re
from collections.abc import Iterable, Sequence

NEUTRAL = "local"

# of origin, belief, self and body, in this order
_NAMES = """
african afghan albanian algerian american arab arabian arabic armenian asian australian austrian
belgian black bolivian brazilian briton british bulgarian cambodian canadian caribbean caucasian
chilean chinese colombian croatian cuban czech danish dane dominican dutch ecuadorian egyptian
english ethiopian european filipino finn finnish french german ghanaian greek haitian hispanic
hungarian indian indonesian iranian iraqi irish israeli italian jamaican japanese jordanian
kenyan korean kurd kurdish lebanese libyan malaysian mexican moroccan nepali nigerian norwegian
pakistani palestinian persian peruvian pole polish portuguese romanian roma romani russian saudi
scottish serb serbian sicilian slovak somali spaniard spanish sudanese swede swedish swiss
syrian taiwanese thai tibetan tunisian turk turkish ukrainian venezuelan vietnamese welsh white
yemeni latino latina latinx chicano puerto rican cherokee navajo apache sioux aboriginal
indigenous inuit maori native migrant immigrant refugee foreigner asylum seeker biracial
amish atheist agnostic baptist buddhist catholic christian evangelical hindu hasidic islamic
jain jew jewish lutheran methodist mormon muslim moslem orthodox pagan pentecostal presbyterian
protestant quaker rabbi secular shia shiite sikh sunni taoist zoroastrian
asexual bisexual cisgender gay genderqueer heterosexual homosexual intersex lesbian lgbt lgbtq
lgbtqia nonbinary non-binary pansexual queer straight trans transgender transgendered
transsexual transwoman transman
autistic blind deaf deafblind disabled dyslexic epileptic elderly handicapped paraplegic
pensioner retired senior teen teenage teenager wheelchair woman women man men female male
"""


def _either(words: Iterable[str]) -> str:
    """A pattern for the longest of the words that fits: as a tree, since `re` tries one by one."""
    tails: dict[str, list[str]] = {}
    for word in filter(None, words):
        tails.setdefault(word[0], []).append(word[1:])
    ways = [re.escape(first) + _rest(rest) for first, rest in sorted(tails.items())]
    return f"(?:{'|'.join(ways)})"


def _rest(tails: Sequence[str]) -> str:
    if not any(tails):
        return ""
    return _either(tails) + ("?" if "" in tails else "")


_WORDS = _either(set(_NAMES.split()))
_NAME = re.compile(
    rf"\b(?:an? )?(?:{_WORDS}(?:e?s)?\b[ -]?)+(?:people\b|folks?\b|persons?\b)?", re.IGNORECASE
)


def without_names(text: str) -> str:
    """The text with one neutral word in place of each name of a group, or run of such names."""
    return _NAME.sub(_neutral, text)


def _neutral(match: re.Match[str]) -> str:
    article = "a " if match[0][:2].lower() in {"a ", "an"} and " " in match[0][:3] else ""
    return f"{article}{NEUTRAL}{match[0][len(match[0].rstrip(' -')) :]}"

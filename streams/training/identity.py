"""Clean sentences that name people, the same ones for every group of people.

Where abuse names some people more often than others, a model learns their names as abuse. Training
on clean sentences that differ in nothing but who is named takes that back (Dixon et al. 2018,
Measuring and Mitigating Unintended Bias in Text Classification; counterfactuals as in Garg et al.
2019). The sentences are ours. What false alarms are measured by has other sentences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from earmark.streams.evaluation.manifest import Row

SOURCE = "Earmark's sentences of identity"
LICENCE = "Apache-2.0"

# group -> (an adjective, people in the plural, one of them with an article)
GROUPS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "black": (("Black", "Black people", "a Black man"), ("African", "Africans", "an African")),
    "white": (("white", "white people", "a white man"),),
    "asian": (("Asian", "Asians", "an Asian woman"), ("Chinese", "the Chinese", "a Chinese man")),
    "latino": (("Latino", "Latinos", "a Latina"), ("Mexican", "Mexicans", "a Mexican")),
    "arab": (("Arab", "Arabs", "an Arab"), ("Syrian", "Syrians", "a Syrian")),
    "indigenous": (("Indigenous", "Native Americans", "a Native American"),),
    "jewish": (("Jewish", "Jews", "a Jew"), ("Israeli", "Israelis", "an Israeli")),
    "muslim": (("Muslim", "Muslims", "a Muslim"), ("Islamic", "Muslim women", "a Muslim girl")),
    "christian": (("Christian", "Christians", "a Christian"), ("Catholic", "Catholics", "a nun")),
    "hindu": (("Hindu", "Hindus", "a Hindu"), ("Sikh", "Sikhs", "a Sikh")),
    "atheist": (("atheist", "atheists", "an atheist"),),
    "gay": (("gay", "gay men", "a gay man"), ("homosexual", "homosexuals", "a homosexual")),
    "lesbian": (("lesbian", "lesbians", "a lesbian"),),
    "bisexual": (("bisexual", "bisexual people", "a bisexual"), ("queer", "queer folk", "a queer")),
    "straight": (("straight", "straight people", "a straight man"),),
    "transgender": (("transgender", "trans people", "a trans woman"),),
    "women": (("female", "women", "a woman"), ("feminine", "girls", "a girl")),
    "men": (("male", "men", "a man"), ("masculine", "boys", "a boy")),
    "disabled": (
        ("disabled", "disabled people", "a blind man"),
        ("deaf", "the deaf", "a deaf girl"),
    ),
    "old": (("elderly", "old people", "an old woman"),),
    "young": (("teenage", "teenagers", "a teenager"),),
    "immigrant": (("immigrant", "immigrants", "a refugee"), ("Polish", "Poles", "a Pole")),
    "american": (("American", "Americans", "an American"), ("European", "Germans", "a German")),
}

_SENTENCES = (
    "My neighbour is {one} and we often cook together.",
    "I am {one}.",
    "She has been married to {one} for ten years.",
    "The new teacher is {one}, and the class likes her.",
    "The film tells the story of {one} who moves to Chicago.",
    "Many {people} came to the concert last night.",
    "{people} have lived in this town for centuries.",
    "The survey asked {people} about their work.",
    "{people} and their families met in the park on Sunday.",
    "The law protects {people} from being treated unfairly.",
    "How many {people} voted in the last election?",
    "A {adjective} author won the prize this year.",
    "The museum shows paintings by {adjective} artists.",
    "We had lunch with our {adjective} friends.",
    "He wrote a book about {adjective} history.",
    "The {adjective} community opened a new library.",
    "Proud to be {adjective}!",
    "Two {adjective} students from my class started a band.",
    "Our {adjective} colleagues are on holiday this week.",
    "This song was written by {one} in 1975.",
    "I love being {adjective}, and I love my city.",
    "What do {people} think of the new mayor?",
    "{people} are welcome here.",
    "When he said that he was {adjective}, his parents hugged him.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One sentence, and the group of people that it names."""

    group: str
    text: str


def sentences_of_identity(templates: tuple[str, ...] = _SENTENCES) -> Iterator[Named]:
    """Every sentence about every group."""
    for group, wordings in GROUPS.items():
        for adjective, people, one in wordings:
            for template in templates:
                text = template.format(adjective=adjective, people=people, one=one)
                yield Named(group=group, text=_spelled(text))


def rows_of_identity() -> list[Row]:
    """The sentences as rows that hold no harm."""
    return [
        Row(
            id=f"identity-{number}",
            kind="identity",
            labels={"safe": True, "identity_group": named.group},
            source=f"{SOURCE}, {named.group}",
            licence=LICENCE,
            text=named.text,
            data="identity",
        )
        for number, named in enumerate(sentences_of_identity())
    ]


def _spelled(text: str) -> str:
    """A before a consonant and an before a vowel, and a capital at the beginning."""
    first, _, rest = text.partition(" ")
    if first == "A" and rest[:1].lower() in "aeiou":
        first = "An"
    return f"{first[:1].upper()}{first[1:]} {rest}"

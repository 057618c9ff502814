"""A verdict as the answer of OpenAI's moderation endpoint (`POST /v1/moderations`).

A category whose scheme says that one of our harms is much the same has our score. Those that are a
part of a harm of ours, such as `hate/threatening`, are not looked at: they are false, with score 0
and no input types. Scores are ours, not those of OpenAI's models, and so are their thresholds.
"""

from collections.abc import Mapping
from typing import Any

from earmark.processors.policy.evidence import AUDIO, TEXT
from earmark.processors.policy.projection.harm import SAFETY, harms_of, scores_of
from earmark.processors.policy.verdict import Verdict
from earmark.processors.profile import Profile
from earmark.processors.taxonomy.harm import Relation, schemes

SCHEME = "openai"
_NO_MODEL = "earmark"


def moderation(verdict: Verdict, profile: Profile | None = None) -> Mapping[str, Any]:
    """The verdict as a response with one result, for JSON.

    A category is flagged where a ruling that holds is about its harm. `profile` is the one that was
    judged; without it only scores that rulings rest on are known.
    """
    scores = scores_of(verdict, profile)
    flagged = {harm for ruling in verdict.rulings for harm in harms_of(ruling, profile)}
    ours = _our_harms()
    categories = {code: harm in flagged for code, harm in ours.items()}
    return {
        "id": f"modr-{verdict.verdict_id}",
        "model": _model(verdict, profile),
        "results": [
            {
                "flagged": any(categories.values()),
                "categories": categories,
                "category_scores": {code: scores.get(harm, 0.0) for code, harm in ours.items()},
                "category_applied_input_types": {
                    code: _inputs(verdict, harm, scores, profile) for code, harm in ours.items()
                },
            }
        ],
    }


def _our_harms() -> Mapping[str, str]:
    """OpenAI's categories to the harm of ours that is much the same; "" where there is none."""
    return {
        row.code: next(
            (harm for harm, relation in row.matches.items() if relation is Relation.CLOSE), ""
        )
        for row in schemes()[SCHEME].rows
    }


def _inputs(
    verdict: Verdict, harm: str, scores: Mapping[str, float], profile: Profile | None
) -> list[str]:
    """What was read for the harm: what its rulings say, else text."""
    if harm not in scores:
        return []
    found = {
        kind
        for ruling in verdict.rulings
        if harm in harms_of(ruling, profile)
        for kind in ruling.applied_input_types
    }
    return sorted(found & {TEXT, AUDIO}) or [TEXT]


def _model(verdict: Verdict, profile: Profile | None) -> str:
    signal = profile.signal(SAFETY) if profile is not None else None
    if signal is not None:
        return signal.model
    matches = (match for ruling in verdict.rulings for match in ruling.conditions)
    return next((it.model for it in matches if it.signal == SAFETY and it.model), _NO_MODEL)

"""How far a text reads like advertising nobody asked for.

A logistic function of counts, with weights set by hand from what published filters look at
(SpamAssassin's body rules; Alberto et al. 2015, "TubeSpam"): no mail was used to fit it. It knows
English best and a few phrases of fifteen other languages. Not calibrated.
"""

import math
import re

from earmark.processors.alternation import by_first_letter
from earmark.processors.quality.prose import Prose

_CALLS = by_first_letter(
    # English
    r"click (?:here|below|on the|the link|this link)|visit (?:us|our|my)|sign ?up|shop now"
    r"|(?:order|buy|act|call|apply|register|join|download) (?:now|today)|order (?:here|online)"
    r"|limited time|(?:don'?t|do not) miss|check out my|check my (?:channel|profile|page|bio)"
    r"|follow (?:me|us|back|for follow)|link in (?:my )?bio|(?:message|text|whatsapp|inbox) me"
    r"|\bdm me|contact us|get (?:yours|started)|toll[- ]free|sub4sub|sub (?:for|4) sub|\bf4f\b"
    r"|\bl4l\b|reply (?:to this|with)|fill (?:out|in) (?:the|our|this)|subscribe to my"
    r"|(?:to|be) removed|for removal|removal instructions|(?:do not|don'?t) wish to receive"
    r"|opted?[- ]?in\b|opt[- ]?out"
    # German, Spanish, French, Portuguese, Italian, Dutch
    r"|klick(?:en)? (?:sie )?hier|jetzt (?:kaufen|bestellen|anmelden|klicken)|haz cli[ck]"
    r"|compra (?:ahora|ya)|suscr[ií]bete|cliquez ici|achetez|abonne(?:z|-toi)|clique aqui"
    r"|compre (?:agora|j[áa])|inscreva-se|clicca qui|iscriviti|klik hier"
    # Russian, Chinese, Japanese, Korean, Arabic, Turkish, Polish
    r"|нажмите|подпис(?:ывай|ыва[ею]|к[аи] на)|переходи|заходи|点击|點擊|加微信|扫码|订阅|訂閱"
    r"|クリック|登録はこちら|클릭|구독|اضغط هنا|اشترك|tıkla|abone ol|kliknij|zapisz się"
)
_OFFERS = by_first_letter(
    # English
    r"\d ?% off|\bfree\b|100 ?%|guarantee|risk[- ]free|money[- ]back"
    r"|(?:work|business) (?:from|at) home"
    r"|no (?:obligation|risk|(?:extra |hidden )?(?:costs?|charges?|fees?)|credit check"
    r"|prescription)"
    r"|earn(?:ing)? (?:money|\$|extra|up to|thousands)|make money|extra income|\bprofits?\b"
    r"|(?:financial|time) freedom|(?:lowest|best|low|beat any) prices?|lowest rate|discount"
    r"|special offer|promo(?:tion|tional)?\b|coupon|\bcash\b|\bprizes?\b|winner"
    r"|you(?:'ve| have)? won|congratulations|lottery|casino|viagra|cialis|\bpills?\b|pharmacy"
    r"|weight loss|lose weight|bitcoin|crypto|\binvest(?:ment|or)s?\b|\bloans?\b|mortgage"
    r"|\bdebts?\b|credit card|refinanc|insurance|onlyfans|giveaway|airdrop|millions?\b"
    r"|affordable|opportunity|confidential|urgent|save (?:up to|big|\$|money)|instant(?:ly)?"
    r"|amazing|exclusive|unlimited|we (?:are )?offer|bulk e-?mail|marketing lists?"
    # German, Spanish, French, Portuguese, Italian, Dutch
    r"|kostenlos|gratis|rabatt|gewinn|gana dinero|oferta|descuento|gratuit|gagnez|gr[áa]tis"
    r"|ganhe|desconto|guadagna|sconto|korting"
    # Russian, Chinese, Japanese, Korean, Arabic, Turkish, Polish
    r"|заработ|скидк|бесплатно|купить|免费|免費|優惠|优惠|赚钱|賺錢|無料|割引|무료|할인|مجان|خصم"
    r"|ücretsiz|indirim|darmow|rabat|zarabiaj"
)
_MONEY = re.compile(r"[$€£¥₹]\s?\d|\d\s?(?:[€£₹%]|usd|eur|dollars)", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w.])(?:\+?\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\w)"
    r"|\+\d{9,14}(?!\w)"
)
_BIAS = -2.6
_PER_CALL, _CALLS_AT_MOST = 1.0, 3
_PER_OFFER, _OFFERS_AT_MOST = 0.55, 5
_PER_LINK, _LINKS_AT_MOST = 0.6, 2
_MOSTLY_LINK, _LINK_SHARE = 1.0, 0.4
_PER_CONTACT, _CONTACTS_AT_MOST = 0.6, 2
_PER_SUM, _SUMS_AT_MOST = 0.3, 3
_PER_SHOUT, _SHOUTS_AT_MOST = 0.3, 3
_PER_TAG, _TAGS_AT_MOST, _TAGS_FREE = 0.3, 4, 3
_CAPITALS = 1.5  # times the share of words in capitals


def spam(prose: Prose) -> float | None:
    """0 to 1; None for a text without words and links."""
    if not prose.words and not prose.links:
        return None
    lower = prose.rest.lower()
    capitals = sum(1 for word in prose.words if len(word) > 1 and word.isupper())
    evidence = (
        _BIAS
        + _PER_CALL * min(_distinct(_CALLS, lower), _CALLS_AT_MOST)
        + _PER_OFFER * min(_distinct(_OFFERS, lower), _OFFERS_AT_MOST)
        + _PER_LINK * min(prose.links, _LINKS_AT_MOST)
        + _MOSTLY_LINK * (prose.link_characters > _LINK_SHARE * len(prose.text))
        + _PER_CONTACT * min(prose.emails + _count(_PHONE, prose.rest), _CONTACTS_AT_MOST)
        + _PER_SUM * min(_count(_MONEY, prose.rest), _SUMS_AT_MOST)
        + _PER_SHOUT * min(lower.count("!"), _SHOUTS_AT_MOST)
        + _PER_TAG * min(max(prose.tags - _TAGS_FREE, 0), _TAGS_AT_MOST)
        + _CAPITALS * capitals / max(len(prose.words), 1)
    )
    return 1 / (1 + math.exp(-evidence))


def _distinct(pattern: re.Pattern[str], text: str) -> int:
    return len({match[0] for match in pattern.finditer(text)})


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))

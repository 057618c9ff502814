"""Claims about what counts as personal data in a text, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.pii.finding import Finding, Kind, redacted, resolved
from earmark.processors.pii.reader import read

MIN_SCORE = 0.5


def found(text: str, *regions: str, is_name: bool = False) -> list[tuple[str, str]]:
    """Kind and text of each finding."""
    reading = read(text, min_score=MIN_SCORE, regions=regions, is_name=is_name)
    return [(str(f.kind), text[f.start : f.end]) for f in reading.findings]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to <jo.doe+news@mail.example.co.uk>.", "email", "jo.doe+news@mail.example.co.uk"),
        ("пишите на вася@почта.рф!", "email", "вася@почта.рф"),
        ("ｍａｉｌ＠ｅｘａｍｐｌｅ．ｏｒｇ", "email", "ｍａｉｌ＠ｅｘａｍｐｌｅ．ｏｒｇ"),
        ("mailto:'a@b.io'", "email", "a@b.io"),
        ("اكتب إلى noor@example.net 🔥", "email", "noor@example.net"),
        ("card 4111 1111 1111 1111 exp 12/27", "card", "4111 1111 1111 1111"),
        ("4111-1111-1111-1111 123", "card", "4111-1111-1111-1111"),
        ("4111 1111 1111 1111 123", "card", "4111 1111 1111 1111"),
        ("amex 3782 822463 10005", "card", "3782 822463 10005"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "card", "٤١١١ ١١١١ ١١١١ ١١١١"),
        ("IBAN DE89 3704 0044 0532 0130 00 bitte", "iban", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "iban", "gb82west12345698765432"),
        ("FR14 2004 1010 0505 0001 3M02 606", "iban", "FR14 2004 1010 0505 0001 3M02 606"),
        ("my server is 203.0.113.77:8080", "ip_address", "203.0.113.77"),
        ("seen at 2001:db8:85a3::8a2e:370:7334.", "ip_address", "2001:db8:85a3::8a2e:370:7334"),
        ("https://jo:s3cret@example.org/x", "url_credentials", "jo:s3cret"),
        ("SSN: 536-90-4399", "us_ssn", "536-90-4399"),
        ("send to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "crypto_wallet", None),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "crypto_wallet", None),
        ("0x52908400098527886E0F7030069857D2E4169EE7", "crypto_wallet", None),
        ("I was born on 7 May 1987 in Leeds", "date_of_birth", "7 May 1987"),
        ("geboren am 03.11.1990", "date_of_birth", "03.11.1990"),
        ("生年月日：1985年4月12日", "date_of_birth", "1985年4月12日"),
        ("call +44 20 7946 0958 now", "phone", "+44 20 7946 0958"),
        ("it's 555-123-4567", "phone", "555-123-4567"),
        ("(212) 555-0123", "phone", "(212) 555-0123"),
        ("it's 516.466.6380 ext. 12", "phone", "516.466.6380 ext. 12"),
        ("(516)466-6380x1234", "phone", "(516)466-6380x1234"),
        ("001-516-466-6380x12", "phone", "001-516-466-6380x12"),
        ("+1-516-466-6380x12", "phone", "+1-516-466-6380x12"),
        ("ring 0151 23456789", "phone", "0151 23456789"),
        ("tel:06 12 34 56 78", "phone", "06 12 34 56 78"),
        ("Phone: 867-5309", "phone", "867-5309"),
        ("whatsapp 5551234567", "phone", "5551234567"),
        ("電話 03-1234-5678", "phone", "03-1234-5678"),
        ("我的电话是13800138000，谢谢", "phone", "13800138000"),
        ("전화번호는 010-1234-5678입니다", "phone", "010-1234-5678"),
        ("邮箱li@163.com谢谢", "email", "li@163.com"),
        ("call 555-123-4567 2 times", "phone", "555-123-4567"),
        ("I live at 12 Acacia Avenue, Apt 4", "street_address", "12 Acacia Avenue, Apt 4"),
        ("Wir sind in der Hauptstraße 12a.", "street_address", None),
        ("rendez-vous au 8 rue de la Paix", "street_address", "8 rue de la Paix"),
        ("calle Mayor 14, Madrid", "street_address", "calle Mayor 14"),
        ("Kongens Edeby 55, Apt. 297", "street_address", "Kongens Edeby 55, Apt. 297"),
        ("I live at 12 Acacia Avenue London", "street_address", None),
        ("P.O. Box 211", "street_address", "P.O. Box 211"),
        ("南京西路1266号", "street_address", "南京西路1266号"),
        ("서울 중구 세종대로 110", "street_address", "세종대로 110"),
        ("〒101-0062 東京都", "street_address", "〒101-0062"),
    ],
)
def test_it_is_found(text: str, kind: str, value: str | None) -> None:
    ((found_kind, found_value),) = found(text)
    assert found_kind == kind
    assert value in {None, found_value}


@pytest.mark.parametrize(
    "text",
    [
        "ISBN 978-3-16-148410-0 and ISBN 0-306-40615-2",
        "only $1,299.00 or 1 299 000 Kč, 1.000.000 €",
        "1992-02-08 20:15:24, 2019-03-04T12:30:45Z, 12/31/1999, 1609459200, 1609459200000",
        "version 1.2.3.4, v10.0.19.41, Python 3.11.9, section 4.1.2.3",
        "won 6-4 3-6 7-5, then 21-19 18-21 21-17",
        "#20241126 #throwback2019 @user12345678",
        "order no. 123-456-7890, invoice 0151 2345678, tracking 1234 5678 9012 3456",
        "1999-2003, 2019/2020, 4 8 15 16 23 42",
        "12345678901234567890123456789012345678901234567890",
        "icon@2x.png @somebody a@b @user@mastodon",
        "std::vector, 12:34:56, ::1, 127.0.0.1, a::b::c",
        "https://example.org/p/4111111111111111/0151-23456789?id=5551234567",
        "4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00",
        "000-12-3456, 666-12-3456, 900-12-3456",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "born in 1987, recorded on 7 May 1987",
        "Bach was born on 21 March 1685",
        "Auf Platz 3, Tabellenplatz 4, mein Heimweg 5, Watergate 2",
        "2 streams via Spotify 3 via Zoom, The 10 Best Road Trip Songs Ever",
        "12 songs by the way, 3 ways to drive, 5 close friends",
        "plays: 655 437 108 views, 120.5 BPM, 44100 Hz, 3:45",
        "Op. 27 No. 2, BWV 1007, K. 550, side 2 of 2",
        "",
        "🔥🔥🔥 99",
        "我知道10点 버스로 5분",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "title", ["867-5309/Jenny", "21 Jump Street", "634-5789", "Beechwood 4-5789", "0208 123 4567"]
)
def test_the_name_of_a_work_is_no_phone_number_nor_address(title: str) -> None:
    assert found(title, "US", is_name=True) == []


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("612 345 678", "ES"),
        ("8 (495) 123-45-67", "RU"),
        ("98765 43210", "IN"),
        ("11 98765-4321", "BR"),
    ],
)
def test_a_national_number_is_known_in_its_region(number: str, region: str) -> None:
    assert found(f"it's {number} ok", region) == [("phone", number)]


@pytest.mark.parametrize("region", ["US", "GB", "DE", "FR", "ES", "BR", "CN", "PL", "EG"])
@pytest.mark.parametrize(
    "text",
    [
        "10 9 8 7 6 5 4 3 2 1, 1-2-3-4-5-6-7-8, 5 6 7 8 5 6 7 8, 24/7 365",
        "tracks 01 02 03 04 05 06, 0 1 1 2 3 5 8 13 21 34",
        "2020 2021 2022 2023, 1920 1080, 3840 2160 1080 720",
        "population 1 234 567, K. 550 1788, 8542.48 points, 1.5 2.5 3.5 4.5",
        "room 237 1408 101, 33710-3918, id 2125551234",
    ],
)
def test_counted_numbers_are_no_phone_number_in_any_region(text: str, region: str) -> None:
    assert found(text, region) == []


def test_the_longest_finding_stands_then_the_most_certain() -> None:
    phone = Finding(kind=Kind.PHONE, start=0, end=9, score=0.9)
    card = Finding(kind=Kind.CARD, start=0, end=19, score=0.6)
    iban = Finding(kind=Kind.IBAN, start=0, end=19, score=0.7)
    other = Finding(kind=Kind.PHONE, start=19, end=25, score=0.5)
    assert resolved([phone, other, card, iban]) == [iban, other]


def test_a_weak_finding_shows_in_the_scores_alone() -> None:
    reading = read("699 956-915", min_score=MIN_SCORE)
    assert reading.findings == []
    assert 0 < reading.scores[Kind.PHONE] < MIN_SCORE


def test_words_around_raise_the_score() -> None:
    plain, named = (
        read(text, min_score=MIN_SCORE).scores[Kind.CARD]
        for text in ("see 4111111111111111", "my card 4111111111111111")
    )
    assert MIN_SCORE < plain < named


PIECES = st.sampled_from(
    [
        *("a@b.io", "+44 20 7946 0958", "4111 1111 1111 1111", "8 rue de la Paix", "2001:db8::1:2"),
        *("http://a:b@c.de", "born 7.5.1987", "call ", "x", "1", " ", "\n", "-", "("),
        *("🔥", "١٢٣", "\ud800"),
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=8))).map("".join))
def test_findings_are_in_order_within_the_text_and_redacted_away(text: str) -> None:
    findings = read(text, min_score=MIN_SCORE, regions=("DE", "US")).findings
    places = [place for f in findings for place in (f.start, f.end)]
    assert places == sorted(places)
    assert all(0 <= f.start < f.end <= len(text) for f in findings)
    left = redacted(text, findings)
    assert len(left) == len(text) + sum(len(f.kind) + 2 - f.length for f in findings)


HOSTILE = ["a@", "7", "<", "1 ", "1-", "(", ":", "!", "1.", "a.a@a.", "rue ", "DE89 ", "born 1 "]
HOSTILE += [
    "5 ab ab ab ",
    "12 Aa St ",
    "555-123-4567 ",
    "+49 30 1234567 ",
    "路1",
    "http://",
    "١٢٣ ",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_four_times_the_text_takes_about_four_times_the_steps(unit: str) -> None:
    """A pattern that were quadratic would not come to an end within the suite's patience."""
    findings = read(unit * (60_000 // len(unit)), min_score=MIN_SCORE).findings
    assert [f.start for f in findings] == sorted(f.start for f in findings)

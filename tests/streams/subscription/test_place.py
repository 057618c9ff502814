"""Where reading begins."""

from datetime import UTC, datetime, timedelta

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.subscription.place import Start, since_ms


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (Start(group_id="g", since_ms=1), "group_id and since"),
        (Start(since_ms=1, position={}), "since and start"),
        (Start(from_beginning=True, position={}), "from_beginning"),
        (Start(position={"other:0": 1}), "other, which is not subscribed"),
        (Start(position={"topic:0": -1}), "no offset for topic:0"),
        (Start(position={"topic:0": 2**63}), "no offset for topic:0"),
        (Start(position={"topic": 1}), "<topic>:<partition>"),
    ],
)
def test_what_cannot_be_meant_is_refused(start: Start, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        start.checked(["topic"])


def test_a_time_is_a_datetime_or_how_long_ago() -> None:
    now = datetime.now(UTC).timestamp() * 1000
    assert since_ms(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1000
    assert since_ms("1970-01-01T00:00:01Z") == 1000
    assert abs(since_ms("2h") - now + 7_200_000) < 60_000
    assert abs(since_ms(timedelta(hours=2)) - now + 7_200_000) < 60_000

"""Which addresses media may be read from."""

from pathlib import Path

import pytest

from earmark.processors.error import ContentError, RejectionClass
from earmark.streams.address import AddressPolicy, shown
from earmark.streams.settings import MediaSettings

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # carrier NAT, and one cloud's metadata service
    "169.254.169.254",  # the others'
    "0.0.0.0",  # noqa: S104  an address to refuse, not to bind
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",  # IPv4 in IPv6: mapped, 6to4, NAT64
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
]


def refusal(call: object, *arguments: object) -> RejectionClass:
    assert callable(call)
    with pytest.raises(ContentError) as caught:
        call(*arguments)
    return caught.value.rejection_class


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address: str) -> None:
    assert refusal(AddressPolicy(MediaSettings()).check_address, address) == "URI_REFUSED"


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_can_be_allowed(address: str) -> None:
    AddressPolicy(MediaSettings(allow_private_addresses=True)).check_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    AddressPolicy(MediaSettings()).check_address(address)


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://example.org/a.mp3",
        "data:audio/mpeg;base64,AAAA",
        "a.mp3",
        "",
        "http:///a.mp3",
        "http://[::1",
        "http://example.org:99999/",
        "http://127.0.0.1/a.mp3",
        "http://[::ffff:10.0.0.1]/a.mp3",
    ],
)
def test_uris_that_are_not_allowed_or_malformed_are_refused(uri: str) -> None:
    assert refusal(AddressPolicy(MediaSettings()).check_uri, uri) == "URI_REFUSED"


def test_only_listed_hosts_are_allowed_where_any_are_listed() -> None:
    policy = AddressPolicy(MediaSettings(hosts=("cdn.example.org", "*.media.example.org")))
    policy.check_uri("https://CDN.example.org/a.mp3")
    policy.check_uri("https://eu.media.example.org/a.mp3")
    for uri in ("https://example.org/a.mp3", "https://cdn.example.org.evil.net/a.mp3"):
        assert refusal(policy.check_uri, uri) == "URI_REFUSED"


def test_files_are_read_under_the_roots_only(tmp_path: Path) -> None:
    root = tmp_path / "catalogue"
    root.mkdir()
    (root / "a b.wav").write_bytes(b"x")
    (tmp_path / "secret.wav").write_bytes(b"x")
    policy = AddressPolicy(MediaSettings(roots=(root,)))
    assert policy.local_path((root / "a b.wav").as_uri()) == (root / "a b.wav").resolve()
    assert refusal(policy.local_path, (tmp_path / "secret.wav").as_uri()) == "URI_REFUSED"
    assert refusal(policy.local_path, f"file://{root}/../secret.wav") == "URI_REFUSED"
    assert refusal(policy.local_path, f"file://{root}/%2e%2e/secret.wav") == "URI_REFUSED"
    assert refusal(policy.local_path, f"file://elsewhere{root}/a%20b.wav") == "URI_REFUSED"
    assert refusal(policy.local_path, f"file://{root}/a%00.wav") == "URI_REFUSED"
    assert refusal(policy.local_path, root.as_uri()) == "URI_REFUSED"
    assert refusal(policy.local_path, f"file://{root}/missing.wav") == "MEDIA_GONE"
    assert refusal(policy.local_path, f"file://{root}/a%20b.wav/c.wav") == "MEDIA_GONE"
    assert refusal(policy.local_path, f"file://{root}/{'long' * 100}.wav") == "MEDIA_GONE"


def test_a_link_does_not_lead_out_of_a_root(tmp_path: Path) -> None:
    root = tmp_path / "catalogue"
    root.mkdir()
    (tmp_path / "secret.wav").write_bytes(b"x")
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    (root / "circle.wav").symlink_to(root / "circle.wav")
    policy = AddressPolicy(MediaSettings(roots=(root,)))
    assert refusal(policy.local_path, (root / "link.wav").as_uri()) == "URI_REFUSED"
    assert refusal(policy.local_path, f"file://{root}/circle.wav") == "URI_REFUSED"


def test_without_roots_no_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    policy = AddressPolicy(MediaSettings())
    assert refusal(policy.local_path, (tmp_path / "a.wav").as_uri()) == "URI_REFUSED"


def test_shown_uris_hold_no_secrets() -> None:
    assert shown("https://me:pw@h.example/a?sig=s#f") == "https://h.example/a"
    assert "pw" not in shown("https://me:pw@[broken/a?sig=s")

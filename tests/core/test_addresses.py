"""Where a request comes from: headers are believed only as far as proxies of ours wrote them."""

import pytest
from django.test import RequestFactory

from omnistra.core.addresses import client_address, hint, network


@pytest.mark.parametrize(
    ("trusted", "here", "forwarded", "found"),
    [
        ([], "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        (["10.0.0.0/8"], "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, rubbish", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
        (["unix"], "", "198.51.100.1", "198.51.100.1"),
        ([], "", "198.51.100.1", ""),
        ([], "fe80::1%eth0", "", "fe80::1"),
    ],
)
def test_the_last_entry_that_a_proxy_of_ours_wrote_counts(settings, trusted, here, forwarded, found):
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR=here, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == found


@pytest.mark.parametrize(
    ("address", "counted", "shown"),
    [
        ("203.0.113.77", "203.0.113.77", "203.0.113.*"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64", "2001:db8:1:*"),
        ("", "", ""),
        ("rubbish", "", ""),
    ],
)
def test_a_limit_counts_what_one_visitor_has_and_a_page_shows_no_more_than_the_network(address, counted, shown):
    assert network(address) == counted and hint(address) == shown

"""Whatever bytes are signed, parsing never raises and gives values that the database takes."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.contract import InboundMessage, Parsed
from channels_app.providers.whatsapp.payloads import parse

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = ["text", "image", "audio", "location", "contacts", "reaction", "interactive", "button", "system", "unsupported"]


def looks_like(*names: str):
    """An object with these names, each present or not, each with any value."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, json_values))


message = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values | st.just("wamid.1"),
        "from": json_values | st.just("491701112233"),
        "timestamp": json_values | st.just("1795000000"),
        "type": st.sampled_from(KINDS) | json_values,
        "context": json_values | looks_like("id", "forwarded"),
        **{kind: json_values | looks_like("body", "id", "message_id", "emoji", "latitude", "type") for kind in KINDS},
    },
)
value = st.fixed_dictionaries(
    {"metadata": json_values | st.just({"phone_number_id": "210000000000501"})},
    optional={
        "messages": st.lists(message | json_values, max_size=3) | json_values,
        "statuses": st.lists(looks_like("id", "status", "timestamp", "errors") | json_values, max_size=3),
        "contacts": st.lists(looks_like("profile", "wa_id", "user_id") | json_values, max_size=2),
        "errors": json_values,
    },
)
change = st.fixed_dictionaries({"field": st.just("messages") | json_values, "value": value | json_values})
entry = st.fixed_dictionaries({"id": json_values, "changes": st.lists(change, max_size=2) | json_values})
webhook = st.fixed_dictionaries(
    {"object": st.just("whatsapp_business_account") | json_values, "entry": st.lists(entry, max_size=2) | json_values}
)


def check(body: bytes) -> None:
    parsed = parse(body)
    assert isinstance(parsed, Parsed)
    for problem in parsed.problems:
        assert problem.reason and "\x00" not in problem.reason
    for update in parsed.updates:
        if isinstance(update, InboundMessage):
            assert update.external_id and set(update.person.handles) & {"wa_id", "bsuid"}
            written = json.dumps(dict(update.content), allow_nan=False)
            assert "\\u0000" not in written


@settings(max_examples=200, deadline=None, database=None)
@given(st.binary(max_size=200))
def test_any_bytes(body):
    check(body)


@settings(max_examples=200, deadline=None, database=None)
@given(json_values)
def test_any_json(payload):
    check(json.dumps(payload).encode())


@settings(max_examples=300, deadline=None, database=None)
@given(webhook)
def test_anything_shaped_like_a_webhook(payload):
    check(json.dumps(payload).encode())

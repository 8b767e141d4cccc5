"""Webhook bodies of the benchmarks.."""

from channels_app.sandbox import envelopes

TEXT = "Hello, is the first flush Darjeeling back in stock? I would take two tins, and a refill of the Assam."
START = 1_795_000_000  # Unix seconds


def single(channel: tuple[str, str], name: str, person: int) -> bytes:
    """One text of one person; `channel` is (phone number id, account id)."""
    return many(channel, [(name, person)])


def many(channel: tuple[str, str], messages: list[tuple[str, int]]) -> bytes:
    """Several texts in one body, each (name, person)."""
    phone_id, waba_id = channel
    people = [envelopes.Person(number(person), name=f"Person {person}") for _, person in messages]
    elements = [
        envelopes.text(person, f"wamid.{name}", START + place, TEXT)
        for place, (person, (name, _)) in enumerate(zip(people, messages, strict=True))
    ]
    at = envelopes.Number(phone_id, waba_id, "493012345678")
    return envelopes.body([(waba_id, envelopes.messages_value(at, people, elements))])


def number(person: int) -> str:
    """The number of a person of the benchmark."""
    return f"4917{person:09}"

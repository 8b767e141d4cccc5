"""Nothing is lost and nothing is sent twice, whatever dies (policy clause 3b)."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import transaction

from accounts.audit import Actor
from channels_app.models import Channel
from channels_app.sandbox import envelopes
from channels_app.sandbox.client import Sandbox
from conversations import replies
from conversations.models import Conversation, Message
from omnistra.core.tenancy import workspace_scope
from tests.product import Product

MESSAGES, TIMES, BATCH, PEOPLE = 5000, 3, 25, 40
KILLS = 12
TOTAL = MESSAGES + PEOPLE
PHONE, WABA, DISPLAY, TOKEN = "210000000000501", "310000000000101", "493012345678", "EAAG-fault-token"
SECRET = "omnistra-meta-test-secret"


def _elements(start: int) -> list[tuple[envelopes.Person, dict]]:
    """(person, message element) of 5,000 numbered texts; each second's number is also its order."""
    made = []
    for number in range(MESSAGES):
        place = number % PEOPLE
        person = envelopes.Person(f"49170{1000000 + place}", name=f"Person {place}")
        made.append((person, envelopes.text(person, f"wamid.FAULT{number:05}", start + number, f"text {number}")))
    return made


def _bodies(start: int) -> list[bytes]:
    """Every message three times, shuffled, in batches."""
    elements = _elements(start) * TIMES
    random.Random(7).shuffle(elements)
    bodies = []
    for place in range(0, len(elements), BATCH):
        some = elements[place : place + BATCH]
        people, messages = zip(*some, strict=True)
        value = envelopes.messages_value(envelopes.Number(PHONE, WABA, DISPLAY), people, messages)
        bodies.append(envelopes.body([(WABA, value)]))
    return bodies


def _deliver(url: str, body: bytes) -> None:
    """Post until it is answered 200, as the platform would."""
    headers = {"X-Hub-Signature-256": envelopes.sign(body, SECRET), "Content-Type": "application/json"}
    for _ in range(600):
        try:
            if requests.post(f"{url}/webhooks/whatsapp/", body, headers=headers, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError("The webhook was never taken.")


@pytest.mark.fault
@pytest.mark.clause("3b")
@pytest.mark.timeout(280)
def test_five_thousand_messages_survive_the_killing_of_every_process_and_no_answer_goes_out_twice(
    committed, workspace, member, servers, tmp_path
):
    # A sending that a kill cut off holds its conversation until its lease ends: short here, so that all of them settle.
    product = Product(tmp_path, DELIVERY_LEASE_SECONDS="15")
    product.start("platform", "web", "worker")
    try:
        platform = Sandbox(f"http://127.0.0.1:{product.platform_port}")
        platform.reset()
        platform.configure(pace=0)
        platform.create_business(
            phone_number_id=PHONE, waba_id=WABA, display_phone_number=DISPLAY, verified_name="Northwind", token=TOKEN,
            subscribed=True,
        )  # fmt: skip
        for number in range(PEOPLE):
            platform.create_person(wa_id=f"49170{1000000 + number}", name=f"Person {number}")
        with workspace_scope(workspace.pk), transaction.atomic():
            Channel.objects.create(
                provider="whatsapp", external_id=PHONE, account_id=WABA, name="Northwind", credentials={"token": TOKEN}
            )
        start = int(time.time()) - MESSAGES - 60
        for number in range(PEOPLE):  # from their phones, so that the platform knows the window to be open
            platform.send(PHONE, f"49170{1000000 + number}", text=f"text {MESSAGES + number}")
        delivering = threading.Thread(target=_deliver_all, args=(product.url, _bodies(start)))
        delivering.start()
        answered = False
        chaos = random.Random(11)
        # The killing happens in this thread: a child gets its death signal when the thread that made it ends.
        for _ in range(KILLS):
            time.sleep(chaos.uniform(1.0, 2.5))
            _kill_one(product, servers, chaos.choice(["web", "worker", "worker", "valkey"]))
            if not answered and _has_conversations(workspace):
                answered = True
                _answer_everyone(workspace, member)
        delivering.join()
        _wait_for(workspace, TOTAL)
        sent = _wait_for_answers(platform, workspace)
    finally:
        product.stop()
    with workspace_scope(workspace.pk), transaction.atomic():
        assert Message.objects.filter(direction="inbound").count() == TOTAL
        for conversation in Conversation.objects.all():
            texts = [
                int(each.text.split()[1])
                for each in Message.objects.filter(conversation=conversation, direction="inbound").order_by(
                    "provider_at", "id"
                )
            ]
            assert texts == sorted(texts) and len(texts) == TOTAL // PEOPLE
            assert conversation.unread_count <= TOTAL // PEOPLE
        assert Conversation.objects.count() == PEOPLE
        statuses = set(Message.objects.filter(direction="outbound").values_list("status", flat=True))
    references = [each["callback_data"] for each in sent]
    assert len(references) > PEOPLE
    assert len(references) == len(set(references)), "an answer went out twice"
    assert len({each["content"]["body"] for each in sent}) == len(sent)
    assert statuses <= {"sent", "delivered", "read", "unknown"}, "an answer was left behind"


def _deliver_all(url: str, bodies: list[bytes]) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda body: _deliver(url, body), bodies))


def _kill_one(product: Product, servers, victim: str) -> None:
    if victim == "valkey":
        servers.valkey.child.kill()
        servers.valkey.child.wait()
        servers.valkey.start()
    else:
        product.kill(victim)
        product.start(victim)


def _has_conversations(workspace) -> bool:
    with workspace_scope(workspace.pk), transaction.atomic():
        return Conversation.objects.count() == PEOPLE


def _answer_everyone(workspace, member) -> None:
    """Two answers into each conversation, while things die."""
    with workspace_scope(workspace.pk):
        with transaction.atomic():
            conversations = list(Conversation.objects.select_related("channel"))
        for conversation in conversations:
            for number in (1, 2):
                replies.send_reply(conversation, f"answer {number} to {conversation.pk}", Actor.member(member))


def _wait_for(workspace, wanted: int) -> None:
    for _ in range(400):
        with workspace_scope(workspace.pk), transaction.atomic():
            if Message.objects.filter(direction="inbound").count() >= wanted:
                return
        time.sleep(0.2)


def _wait_for_answers(platform: Sandbox, workspace) -> list[dict]:
    """Until every answer is settled; what a kill left in the middle of a call becomes `unknown`."""
    for _ in range(400):
        with workspace_scope(workspace.pk), transaction.atomic():
            if not Message.objects.filter(status__in=["queued", "sending"]).exists():
                break
        time.sleep(0.2)
    return platform.sent()

"""A stand-in on an address of its own, and something that receives its webhooks."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from channels_app.sandbox.client import Sandbox
from channels_app.sandbox.server import StandIn

NUMBER, WABA, TOKEN, PERSON = "210000000000501", "310000000000101", "EAAG-test-token", "491701112233"
PAGE, PAGE_TOKEN, PSID = "110000000000901", "EAAP-test-token", "6100000000000123"
ACCOUNT, ACCOUNT_TOKEN, IGSID = "17841400000000901", "IGAA-test-token", "9200000000000123"


class Receiver(ThreadingHTTPServer):
    """The product's webhook door: keeps what comes, answers with `codes` first and 200 afterwards."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Door)
        self.posts, self.codes = [], []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def values(self):
        bodies = [json.loads(body) for _, body in self.posts]
        bodies = [body for body in bodies if body["object"] == "whatsapp_business_account"]
        return [each["value"] for body in bodies for entry in body["entry"] for each in entry["changes"]]

    def elements(self):
        """What came for Pages and Instagram accounts, in order."""
        bodies = [json.loads(body) for _, body in self.posts]
        entries = [entry for body in bodies for entry in body["entry"]]
        return [each for entry in entries for each in entry.get("messaging", []) + entry.get("standby", [])]

    def statuses(self):
        return [each["status"] for value in self.values() for each in value.get("statuses", [])]


class _Door(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers), body))
        self._answer(self.server.codes.pop(0) if self.server.codes else 200, b"")

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        fits = query.get("hub.verify_token") == ["vt-3f9c1a-omnistra"]
        self._answer(200 if fits else 403, query["hub.challenge"][0].encode() if fits else b"")

    def _answer(self, code, body):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def meta(settings, tmp_path, receiver):
    """The control of a fresh world in which statuses come at once."""
    settings.SANDBOX_DB = tmp_path / "world.db"
    settings.BASE_URL = receiver.url
    with StandIn() as stand_in:
        control = Sandbox(stand_in.url)
        control.configure(pace=0, retry_first=0.02, retry_cap=0.1)
        control.create_business(
            waba_id=WABA, phone_number_id=NUMBER, display_phone_number="+49 30 12345678",
            verified_name="Northwind Tea", token=TOKEN, subscribed=True,
        )  # fmt: skip
        control.create_person(name="Lena Fields", wa_id=PERSON, user_id="DE.7011223344556677")
        yield control


@pytest.fixture
def pages(meta):
    """The same world with a Page and an Instagram account (flavour A) that Lena has not written to yet."""
    meta.create_page(page_id=PAGE, name="Northwind Tea", token=PAGE_TOKEN, subscribed=True)
    meta.create_instagram(ig_id=ACCOUNT, username="northwind.tea", token=ACCOUNT_TOKEN, subscribed=True)
    meta.create_person(
        name="Lena Fields", wa_id=PERSON, user_id="DE.7011223344556677", scoped={PAGE: PSID, ACCOUNT: IGSID}
    )
    return meta


@pytest.fixture
def graph(meta):
    """Calls the Graph API with the token: graph("POST", "<id>/messages", json=…)."""

    def call(method, path, token=TOKEN, **more):
        url = path if path.startswith("http") else f"{meta.graph_url}/v26.0/{path}"
        return requests.request(method, url, headers={"Authorization": f"Bearer {token}"}, timeout=10, **more)

    return call


@pytest.fixture
def text(graph):
    """Sends a text to the person."""

    def send(body="Hello", to=f"+{PERSON}", data="om1.7f3a91", **more):
        payload = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}
        return graph("POST", f"{NUMBER}/messages", json={**payload, "biz_opaque_callback_data": data, **more})

    return send

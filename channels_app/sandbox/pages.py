"""The phone page. It is rendered without the product's context: the sandbox knows no member and no
workspace."""

import json

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache

from . import cast, faults, samples

INBOX = "/w/demo/inbox/"  # of the demo workspace; SANDBOX_INBOX_URL names another one


@never_cache
@transaction.non_atomic_requests
def phone_page(request: HttpRequest) -> HttpResponse:
    """The page on which a visitor plays the customer. `?dir=rtl` and `?theme=dark|light` show it that way."""
    theme = request.GET.get("theme", "")
    context = {
        "inbox_url": getattr(settings, "SANDBOX_INBOX_URL", INBOX),
        "direction": "rtl" if request.GET.get("dir") == "rtl" else "ltr",
        "theme": theme if theme in ("dark", "light") else "",
        "samples": [{"name": name, "label": each.label, "kind": each.kind} for name, each in samples.SAMPLES.items()],
        "cast": cast.READY_MADE,
        "card": json.dumps(cast.CARD),
        "ad": json.dumps(cast.AD),
        "page_ad": json.dumps({"body": "Hi, I saw your ad", "referral": cast.PAGE_AD}),
        "openings": [
            {"app": app, "call": call, "given": json.dumps(given), "label": label}
            for app, call, given, label in cast.OPENINGS
        ],
        "kinds": [
            {"name": name, "label": kind.label, "apps": " ".join(kind.apps())}
            for name, kind in faults.KINDS.items()
            if name != "error"
        ],
    }
    return HttpResponse(render_to_string("sandbox/phone.html", context))


setattr(phone_page, "access", "public")  # noqa: B010 - local and test only

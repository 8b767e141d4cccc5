"""Routes."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from channels_app import callback_views, login_views
from channels_app.webhooks import webhook
from omnistra import pages
from omnistra.probes import PROBES
from privacy import request_views

urlpatterns = [
    path("", pages.home, name="home"),
    path("privacy/", pages.document, {"slug": "privacy"}, name="privacy_policy"),
    path("privacy/requests/<slug:code>/", request_views.state, name="data_request"),
    path("terms/", pages.document, {"slug": "terms"}, name="terms"),
    path("processing-terms/", pages.document, {"slug": "processing"}, name="processing_terms"),
    path("accounts/", include("accounts.person_urls")),
    path("accounts/", include("accounts.second_factor.urls")),
    path("accounts/data/", include("privacy.account_urls")),
    path("accounts/", include("accounts.sign_in_urls")),
    path("w/<slug:slug>/", include("accounts.urls")),
    path("w/<slug:slug>/", include("conversations.urls")),
    path("w/<slug:slug>/settings/channels/", include("channels_app.urls")),
    path("w/<slug:slug>/privacy/", include("privacy.urls")),
    path("webhooks/<slug:provider>/", webhook, name="webhook"),
    path("webhooks/<slug:provider>/<slug:key>/", webhook, name="own_webhook"),
    path("channels/login/", login_views.come_back, name="channel_login"),
    path("meta/data-deletion/", callback_views.data_deletion, {"app": "meta"}, name="data_deletion"),
    path("meta/deauthorize/", callback_views.deauthorize, {"app": "meta"}, name="deauthorize"),
    path(
        "meta/instagram/data-deletion/", callback_views.data_deletion, {"app": "instagram"}, name="instagram_deletion"
    ),
    path("meta/instagram/deauthorize/", callback_views.deauthorize, {"app": "instagram"}, name="instagram_deauthorize"),
    path("api/", include("omnistra.api")),
    path("admin/", admin.site.urls),
    *(path(address.removeprefix("/"), probe, name=address.removeprefix("/")) for address, probe in PROBES.items()),
]
handler400 = pages.bad_request
handler500 = pages.server_error
if settings.SANDBOX:
    urlpatterns += [
        path("sandbox/", include("channels_app.sandbox.urls")),
        path("styleguide/", pages.styleguide, name="styleguide"),
    ]

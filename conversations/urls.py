from django.urls import path

from conversations import contact_views, events, sending_views, views
from conversations.campaigns.urls import urlpatterns as campaigns

app_name = "conversations"
urlpatterns = [
    path("inbox/", views.conversation_list, name="list"),
    path("inbox/<uuid:identity>/", views.conversation_detail, name="detail"),
    path("inbox/<uuid:identity>/reply/", views.reply, name="reply"),
    path("inbox/<uuid:identity>/close/", views.change, {"verb": "close"}, name="close"),
    path("inbox/<uuid:identity>/reopen/", views.change, {"verb": "reopen"}, name="reopen"),
    path("inbox/<uuid:identity>/assign/", views.change, {"verb": "assign"}, name="assign"),
    path("inbox/<uuid:identity>/read/", views.mark_read, name="read"),
    path("inbox/<uuid:identity>/reveal/", views.reveal, name="reveal"),
    path("inbox/<uuid:identity>/opt-ins/", contact_views.record_opt_in, name="record_opt_in"),
    path("inbox/<uuid:identity>/opt-ins/withdraw/", contact_views.withdraw_opt_in, name="withdraw_opt_in"),
    path("inbox/<uuid:identity>/block/", contact_views.block, {"blocked": True}, name="block"),
    path("inbox/<uuid:identity>/unblock/", contact_views.block, {"blocked": False}, name="unblock"),
    path("inbox/<uuid:identity>/confirm/", contact_views.confirm, name="confirm"),
    path("settings/opt-ins/", contact_views.opt_in_page, name="opt_ins"),
    path("settings/opt-ins/attest/", contact_views.attest, name="attest"),
    path("inbox/<uuid:identity>/template/", sending_views.template, name="template"),
    path("inbox/<uuid:identity>/choices/", sending_views.choices, name="choices"),
    path("inbox/<uuid:identity>/typing/", sending_views.typing, name="typing"),
    path("messages/<uuid:identity>/react/", sending_views.react, name="react"),
    path("messages/<uuid:identity>/reschedule/", sending_views.reschedule, name="reschedule"),
    path("messages/<uuid:identity>/cancel/", sending_views.cancel_scheduled, name="cancel_scheduled"),
    path("messages/<uuid:identity>/retry/", views.retry, name="retry"),
    path("attachments/<uuid:identity>/", views.attachment, name="attachment"),
    path("attachments/<uuid:identity>/retry/", views.fetch_again, name="fetch_again"),
    path("events/", events.events, name="events"),
    *campaigns,
]

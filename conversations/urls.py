from django.urls import path

from conversations import events, views

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
    path("messages/<uuid:identity>/retry/", views.retry, name="retry"),
    path("attachments/<uuid:identity>/", views.attachment, name="attachment"),
    path("attachments/<uuid:identity>/retry/", views.fetch_again, name="fetch_again"),
    path("events/", events.events, name="events"),
]

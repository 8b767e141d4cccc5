"""The Celery app and the only beat schedule."""

import os
from datetime import timedelta

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnistra.settings.local")

app = Celery("omnistra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_default_queue="omnistra",
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2, "visibility_timeout": 3600},
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    beat_schedule={
        # Sweeps: they find whatever a lost wake-up left behind.
        "conversations.drain": {
            "task": "conversations.drain",
            "schedule": timedelta(seconds=5),
            "options": {"expires": 5},
        },
        "conversations.deliver": {
            "task": "conversations.deliver",
            "schedule": timedelta(seconds=5),
            "options": {"expires": 5},
        },
        "conversations.run_campaigns": {
            "task": "conversations.run_campaigns",
            "schedule": timedelta(seconds=2),
            "options": {"expires": 2},
        },
        "conversations.fetch_media": {
            "task": "conversations.fetch_media",
            "schedule": timedelta(seconds=15),
            "options": {"expires": 15},
        },
        "conversations.forget": {"task": "conversations.forget", "schedule": crontab(minute="57")},
        "conversations.ask_names": {
            "task": "conversations.ask_names",
            "schedule": timedelta(seconds=15),
            "options": {"expires": 15},
        },
        "accounts.send_invitations": {
            "task": "accounts.send_invitations",
            "schedule": timedelta(minutes=1),
            "options": {"expires": 60},
        },
        "accounts.forget_invitations": {
            "task": "accounts.forget_invitations",
            "schedule": crontab(hour="3", minute="17"),
        },
        "privacy.purge": {"task": "privacy.purge", "schedule": crontab(minute="7")},
        "privacy.remove_files": {"task": "privacy.remove_files", "schedule": timedelta(minutes=5)},
        "accounts.forget": {"task": "accounts.forget", "schedule": crontab(minute="47")},
        "accounts.audit_day": {"task": "accounts.audit_day", "schedule": crontab(minute="27")},
        "privacy.erase_closed": {"task": "privacy.erase_closed", "schedule": crontab(minute="17")},
        "privacy.announce_endings": {"task": "privacy.announce_endings", "schedule": crontab(minute="22")},
        "accounts.record_failed_sign_ins": {
            "task": "accounts.record_failed_sign_ins",
            "schedule": timedelta(minutes=1),
            "options": {"expires": 60},
        },
        "privacy.erase_channels": {"task": "privacy.erase_channels", "schedule": timedelta(minutes=5)},
        "privacy.forget_requests": {"task": "privacy.forget_requests", "schedule": crontab(hour="3", minute="22")},
        "channels.check_health": {"task": "channels.check_health", "schedule": timedelta(minutes=5)},
        "channels.tell_notices": {"task": "channels.tell_notices", "schedule": timedelta(minutes=1)},
        "channels.carry_out_requests": {
            "task": "channels.carry_out_requests",
            "schedule": timedelta(minutes=1),
        },
        "channels.forget_logins": {"task": "channels.forget_logins", "schedule": crontab(minute="52")},
        "channels.forget_raw_events": {
            "task": "channels.forget_raw_events",
            "schedule": crontab(minute="37"),
        },
        "channels.fetch_all_templates": {
            "task": "channels.fetch_all_templates",
            "schedule": crontab(hour="4", minute="27"),
        },
        "conversations.release_scheduled": {
            "task": "conversations.release_scheduled",
            "schedule": timedelta(seconds=10),
            "options": {"expires": 10},
        },
        "accounts.announce_ending_keys": {
            "task": "accounts.announce_ending_keys",
            "schedule": crontab(minute="12"),
        },
    },
)
app.autodiscover_tasks()
app.autodiscover_tasks(["accounts"], related_name="jobs")
app.autodiscover_tasks(["privacy"], related_name="jobs")
app.autodiscover_tasks(["conversations"], related_name="jobs")
app.autodiscover_tasks(["channels_app", "channels_app.templates"], related_name="jobs")


@setup_logging.connect
def keep_our_logging(**kwargs: object) -> None:
    """Django's configuration stays in force: Celery would print task arguments and messages of errors."""

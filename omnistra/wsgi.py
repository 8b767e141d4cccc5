"""WSGI entry point: everything but event streams (see asgi.py)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnistra.settings.local")

application = get_wsgi_application()

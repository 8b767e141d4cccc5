"""One inbox for a company's conversations that keeps its own privacy policy."""

from omnistra.celery import app as celery_app

__all__ = ["celery_app"]

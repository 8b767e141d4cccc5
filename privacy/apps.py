from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PrivacyConfig(AppConfig):
    name = "privacy"

    def ready(self) -> None:
        """Each app's personal_data.py says what its models hold; discovered like admin.py."""
        autodiscover_modules("personal_data")

"""Production: TLS everywhere, cookies secure, nothing defaulted. omnistra.core.checks names what is missing."""

from omnistra.settings.base import *

SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-omnistra_session"
CSRF_COOKIE_NAME = "__Host-omnistra_csrf"
DEVICE_COOKIE_NAME = "__Host-omnistra_device"

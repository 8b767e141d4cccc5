"""Settings shared by every environment. Secrets have no default here: local and test make their own, production
must be given them (omnistra.core.checks refuses a start without)."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from csp.constants import NONCE, NONE, SELF

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

ENVIRONMENT = "production"
DEBUG = False
SANDBOX = False  # the stand-in for the platforms; local and test only
SECRET_KEY = env("SECRET_KEY", default="")
MASTER_KEY_FILE = env("MASTER_KEY_FILE", default="")
BASE_URL = env("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
# Proxies of ours, whose X-Forwarded-For is believed: networks ("10.0.0.0/8"), or "unix" for one on a socket.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
DATA_DIR = Path(env("OMNISTRA_DATA", default=str(BASE_DIR / "var"))).resolve()

INSTALLED_APPS = [
    "omnistra.core",
    "omnistra.admin.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_otp",
    "django_otp_webauthn",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "accounts",
    "privacy",
    "channels_app",
    "billing",
    "conversations",
]

MIDDLEWARE = [
    # First, so that no answer leaves without its headers, be it an error of another middleware.
    "omnistra.core.headers.HeadersMiddleware",
    "omnistra.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Early, because a webhook needs no session and no cookie, and must be quick.
    "channels_app.webhooks.WebhookMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.session_store.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.second_factor.middleware.RequireSecondFactor",
    "accounts.access.AccessMiddleware",
]

ROOT_URLCONF = "omnistra.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.access.page_context",
            ],
        },
    }
]
WSGI_APPLICATION = "omnistra.wsgi.application"
ASGI_APPLICATION = "omnistra.asgi.application"


def _database(variable: str, engine: str, pool: dict[str, float] | None) -> dict[str, object]:
    """One entry of DATABASES from a URL variable (a socket folder goes into ?host=)."""
    config: dict[str, object] = dict(env.db_url(variable, default="postgres:///"))
    options: dict[str, object] = dict(config.pop("OPTIONS", None) or {})  # type: ignore[call-overload]
    if host := options.pop("host", None):
        config["HOST"] = host
    if pool:
        options["pool"] = pool
    config.update({"ENGINE": engine, "OPTIONS": options, "CONN_MAX_AGE": 0})
    return config


DATABASES: dict[str, dict[str, object]] = {}


_pool = {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=16), "timeout": 5}
DATABASES["default"] = _database("DATABASE_URL", "omnistra.core.postgresql", _pool)
DATABASES["default"]["ATOMIC_REQUESTS"] = True
DATABASES["owner"] = _database("DATABASE_OWNER_URL", "django.db.backends.postgresql", None)
DATABASES["keys"] = _database("KEYS_DATABASE_URL", "django.db.backends.postgresql", {**_pool, "max_size": 8})
DATABASE_ROUTERS = ["omnistra.core.postgresql.router.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
RUNTIME_ROLE = "omnistra_runtime"
SYSTEM_ROLE = "omnistra_system"

CACHE_URL = env("CACHE_URL", default="")
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="")
CACHES = {
    "default": {
        "BACKEND": "omnistra.core.cache.ForgivingCache",
        "LOCATION": CACHE_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},  # seconds: a page waits no longer for it
    }
}

# Files: sealed before they reach the storage, so any storage will do (django-storages for S3).
STORAGE_URL = env("STORAGE_URL", default=f"file://{DATA_DIR}/files")


def configure_storages(url: str) -> dict[str, dict[str, object]]:
    """STORAGES for `file:///folder` or `s3://bucket/prefix?endpoint=https://…`."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from botocore.config import Config  # only where S3 is used: it costs start-up time

        query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        options: dict[str, object] = {"bucket_name": parts.netloc, "location": parts.path.strip("/")}
        # A page waits for it: botocore's own minute would hold a thread of the web server.
        options["client_config"] = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2})
        if endpoint := query.get("endpoint"):
            options["endpoint_url"] = endpoint
        files: dict[str, object] = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    else:
        folder = unquote(url.removeprefix("file://"))
        files = {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": folder,
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    return {
        "default": files,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }


STORAGES = configure_storages(STORAGE_URL)
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

# Mail
EMAIL_URL = env("EMAIL_URL", default="consolemail://")
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Omnistra <hello@omnistra.ai>")
PRIVACY_EMAIL = "privacy@omnistra.ai"

# Sign-in (policy clauses 2a and 12b)
AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # the e-mail is unique in lower case, by a constraint of its own
    "otp_webauthn.E031",  # that passkeys need TLS: omnistra.E023 demands it where it matters
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "accounts.passwords.MaximumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_RATE_LIMITS = False  # accounts.tries counts instead (docs/adr/0010)
ACCOUNT_FORMS = {
    "login": "accounts.forms.sign_in.SignInForm",
    "signup": "accounts.forms.sign_in.SignUpForm",
    "reset_password": "accounts.forms.sign_in.ResetForm",
    "reset_password_from_key": "accounts.forms.sign_in.NewPasswordForm",
    "change_password": "accounts.forms.sign_in.ChangePasswordForm",
    "add_email": "accounts.forms.sign_in.ChangeAddressForm",
    "reauthenticate": "accounts.forms.sign_in.ConfirmForm",
}
ACCOUNT_CHANGE_EMAIL = True  # one address a person: a new one replaces the old one once it is confirmed
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.signup.SignupFields"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_SESSION_REMEMBER = True
INVITATIONS_PER_DAY = env.int("INVITATIONS_PER_DAY", default=50)  # mails that a workspace sends to invite
ACCOUNT_LOGIN_TIMEOUT = 300  # seconds that a sign-in may wait for its second factor
# The documents that a person accepts at sign-up: a function that returns the current versions. A setting, because
# accounts may not import privacy.
SIGNUP_DOCUMENTS = "privacy.policies.signup_documents"


def configure_passkeys(base_url: str) -> tuple[str, list[str]]:
    """Domain and origins of passkeys. Browsers tie them to a name, so a loopback number becomes `localhost`."""
    parts = urlsplit(base_url)
    name = "localhost" if parts.hostname in ("127.0.0.1", "::1") else parts.hostname or ""
    return name, [f"{parts.scheme}://{name}:{parts.port}" if parts.port else f"{parts.scheme}://{name}"]


OTP_WEBAUTHN_RP_NAME = "Omnistra"
OTP_WEBAUTHN_RP_ID, OTP_WEBAUTHN_ALLOWED_ORIGINS = configure_passkeys(BASE_URL)
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False  # a passkey is the second factor; its views are not mounted either
OTP_WEBAUTHN_HELPER_CLASS = "accounts.second_factor.passkeys.Helper"
OTP_WEBAUTHN_EXCEPTION_LOGGER_NAME = ""  # its messages quote what the browser sent
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_NAME = "omnistra_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_NAME = "omnistra_csrf"
CSRF_COOKIE_HTTPONLY = True  # pages carry the token: no script reads the cookie
DEVICE_COOKIE_NAME = "omnistra_device"  # accounts.devices
CSRF_FAILURE_VIEW = "omnistra.pages.csrf_failure"

# Pages
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024  # a webhook may be 3 MB (providers/whatsapp.md 4.3)
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# Meta (WhatsApp, Messenger, Instagram by a Page)
META_APP_ID = env("META_APP_ID", default="")
META_APP_SECRET = env("META_APP_SECRET", default="")
META_APP_SECRET_PREVIOUS = env("META_APP_SECRET_PREVIOUS", default="")  # accepted while a secret is rotated
META_VERIFY_TOKEN = env("META_VERIFY_TOKEN", default="")
META_GRAPH_URL = env("META_GRAPH_URL", default="https://graph.facebook.com").rstrip("/")
META_GRAPH_VERSION = env("META_GRAPH_VERSION", default="v26.0")
# How long it is remembered that a message was deleted, so that a late repeat is not stored (providers/whatsapp.md 20).
META_DEDUP_DAYS = env.int("META_DEDUP_DAYS", default=30)
META_LOGIN_URL = env("META_LOGIN_URL", default="https://www.facebook.com").rstrip("/")  # where people sign in
META_SIGNUP_CONFIG_ID = env("META_SIGNUP_CONFIG_ID", default="")  # Facebook Login for Business, WhatsApp Cloud API
META_LOGIN_CONFIG_ID = env("META_LOGIN_CONFIG_ID", default="")  # the same for Pages; "": the scopes are named instead
META_MEDIA_HOSTS = env.list("META_MEDIA_HOSTS", default=["lookaside.fbsbx.com"])
# The files of Messenger and Instagram; a leading dot: every host below.
META_FILE_HOSTS = env.list("META_FILE_HOSTS", default=[".fbcdn.net", ".fbsbx.com", ".cdninstagram.com"])

# Instagram Login, whose app has an id, a secret and a verify token of its own. Which of the two apps signs is not
# documented (providers/instagram.md 14): a webhook of Instagram may be signed by either.
INSTAGRAM_APP_ID = env("INSTAGRAM_APP_ID", default="")
INSTAGRAM_APP_SECRET = env("INSTAGRAM_APP_SECRET", default="")
INSTAGRAM_APP_SECRET_PREVIOUS = env("INSTAGRAM_APP_SECRET_PREVIOUS", default="")  # accepted while a secret is rotated
INSTAGRAM_VERIFY_TOKEN = env("INSTAGRAM_VERIFY_TOKEN", default="")  # "": META_VERIFY_TOKEN
INSTAGRAM_GRAPH_URL = env("INSTAGRAM_GRAPH_URL", default="https://graph.instagram.com").rstrip("/")
INSTAGRAM_LOGIN_URL = env("INSTAGRAM_LOGIN_URL", default="https://www.instagram.com").rstrip("/")
INSTAGRAM_API_URL = env("INSTAGRAM_API_URL", default="https://api.instagram.com").rstrip("/")
INSTAGRAM_SEND_RATE = env.int("INSTAGRAM_SEND_RATE", default=100)  # messages/s; Meta's pages say 100 and 300 (12)
INSTAGRAM_COMMENTS = env.bool("INSTAGRAM_COMMENTS", default=False)  # open conversations, for private replies (7)
# Conversations that another app on the same number holds are shown, read-only. Meta has not published the form of these
# webhooks: without this they are kept raw alone, for the raw event's short life.
WA_STANDBY_ENABLED = env.bool("WA_STANDBY_ENABLED", default=True)
# Whether a person's reaction opens WhatsApp's reply window is not documented: it is not counted.
WA_REACTION_OPENS_WINDOW = env.bool("WA_REACTION_OPENS_WINDOW", default=False)

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api_guard.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api_guard.ScopePermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "omnistra.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Omnistra API",
    "DESCRIPTION": "Channels, conversations, messages and retention of one workspace.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ChannelStatus": "channels_app.models.Channel.Status",
        "ConversationStatus": "conversations.models.Conversation.Status",
        "MessageStatus": "conversations.models.Message.Status",
        "AttachmentState": "conversations.models.Attachment.State",
        "SentFrom": "conversations.models.Message.SentFrom",
        "HandleKind": "conversations.models.Handle.Kind",
        "Provider": "channels_app.models.Provider",
    },
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}

LOGGING_CONFIG = "omnistra.core.logs.configure"
LOGGING = {"version": 1}  # anything: Django calls LOGGING_CONFIG only when this is not empty
SENTRY_DSN = env("SENTRY_DSN", default="")  # empty: no error reports (core.reports)
METRICS_TOKEN = env("METRICS_TOKEN", default="")  # empty: /metrics answers on this machine alone (omnistra.probes)
RELEASE = env("RELEASE", default="0.1.0")  # what error reports name
# How long a sending may stay unreported before it counts as lost (then `unknown`): longer than a call with its upload.
DELIVERY_LEASE_SECONDS = env.int("DELIVERY_LEASE_SECONDS", default=180)
# A message that waited longer than this while its channel stood still is offered again, not sent by itself.
DELIVERY_OFFER_MINUTES = env.int("DELIVERY_OFFER_MINUTES", default=15)
# The part of a second's worth of a number's rate that campaigns leave to answers.
CAMPAIGN_KEEPS_FREE = env.float("CAMPAIGN_KEEPS_FREE", default=0.2)
# Alone in a message, these mean "write to me no more": German, English, Spanish, French, Italian, Dutch, Polish,
# Portuguese, Swedish, Turkish, Arabic, Chinese, Hindi, Indonesian, Japanese, Russian.
STOP_WORDS = env.list(
    "STOP_WORDS",
    default=[
        "stop", "stopp", "stop all", "stopall", "unsubscribe", "opt out", "optout", "cancel subscription", "abmelden",
        "abbestellen", "keine nachrichten mehr", "parar", "pare", "alto", "baja", "cancelar suscripción", "arrêt",
        "arrêter", "arreter", "désabonner", "se désabonner", "désinscription", "ferma", "basta", "annulla iscrizione",
        "disiscrivimi", "afmelden", "uitschrijven", "stoppen", "wypisz", "rezygnuję", "sair", "cancelar inscrição",
        "descadastrar", "avsluta", "avregistrera", "dur", "iptal", "abonelikten çık", "توقف", "إلغاء الاشتراك", "停止",
        "退订", "取消订阅", "रोकें", "बंद करो", "berhenti", "配信停止", "стоп", "отписаться", "отписка",
    ],
)  # fmt: skip
RETENTION_CHUNK = 1000  # messages erased in one transaction: no lock is held longer than 200 ms

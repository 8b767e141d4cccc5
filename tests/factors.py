"""Second factors for tests: an app whose codes can be computed, and a client whose session showed one."""

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP

from accounts.models import AuthenticatorApp, User

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PASSWORD = "correct-horse-battery"  # of the people of tests/conftest.py


def add_app(user: User, name: str = "Phone") -> AuthenticatorApp:
    """An authenticator app of the person."""
    return AuthenticatorApp.objects.create(user=user, name=name, secret=AuthenticatorApp.new_secret())


def code_from(secret: bytes, steps: int = 0) -> str:
    """What an app with this secret shows now, or so many steps of 30 seconds later."""
    clock = TOTP(secret)
    clock.time = timezone.now().timestamp() + steps * 30
    return f"{clock.token():06d}"


def code_of(app: AuthenticatorApp, steps: int = 0) -> str:
    """What the app shows."""
    return code_from(app.secret, steps)


def sign_in_with_factor(client: Client, user: User) -> AuthenticatorApp:
    """Sign a client in as if the person had shown their app; the app is made where there is none."""
    app = AuthenticatorApp.objects.filter(user=user).first() or add_app(user)
    client.force_login(user, BACKEND)
    session = client.session
    session[DEVICE_ID_SESSION_KEY], session["second_factor"] = app.persistent_id, True
    session.save()
    return app


def show_password(client: Client, user: User, password: str = PASSWORD, then: str = "") -> HttpResponse:
    """The first step of a sign-in."""
    address = f"/accounts/login/?next={then}" if then else "/accounts/login/"
    return client.post(address, {"login": user.email, "password": password})


def is_signed_in(client: Client) -> bool:
    """Whether the client's session is somebody's."""
    return "_auth_user_id" in client.session

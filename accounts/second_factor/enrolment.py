"""An authenticator app that is being added: its secret waits, sealed, in the session until the app has shown a code."""

from base64 import b64decode, b64encode
from uuid import UUID

from django.http import HttpRequest

from accounts.models import AuthenticatorApp, User
from omnistra.core.sealing import Sealed

_KEY = "app_to_add"


def pending(request: HttpRequest, user: User) -> AuthenticatorApp:
    """The app of this session, not saved; the same until it is kept, so that a reload shows the code that was scanned."""
    kept = request.session.get(_KEY)
    if kept:
        return AuthenticatorApp(id=UUID(kept["id"]), user=user, secret=Sealed(b64decode(kept["secret"])))
    app = AuthenticatorApp(user=user, secret=AuthenticatorApp.new_secret())
    sealed = AuthenticatorApp._meta.get_field("secret").pre_save(app, add=True)
    request.session[_KEY] = {"id": str(app.pk), "secret": b64encode(sealed).decode()}
    return app


def keep(app: AuthenticatorApp, name: str) -> AuthenticatorApp:
    """Save it under a name. Raises IntegrityError when that was done already: each has its id from the beginning."""
    app.name = name
    app.save(force_insert=True)
    return app


def forget(request: HttpRequest) -> None:
    """It was kept, or given up."""
    request.session.pop(_KEY, None)

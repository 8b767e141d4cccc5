"""Where sessions are kept: Django's session store on a table of our own (SESSION_ENGINE).

1. The table knows whose a session is and when it was used, so that people see theirs and end them; a deleted row ends
   the session at once, whatever the browser still sends.
2. The row's id is a hash of the cookie's key: whoever copies the table can open none.
3. A session that nobody has signed in to (a sign-in that is half done) lives for an hour.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from omnistra.core.addresses import client_address, hint

NOBODYS_LIFE = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=5)  # how exact "last used" is; each use beyond writes nothing


def row_id(session_key: str) -> UUID:
    """The row of a session. The key has 165 random bits, so a plain hash cannot be reversed by guessing."""
    return UUID(bytes=hashlib.sha256(session_key.encode()).digest()[:16])


def _model() -> Any:
    from accounts.models import UserSession  # the engine is imported before the models are

    return UserSession


class SessionStore(SessionBase):
    """One browser's session. `about`: what its row says beside the data (UserSession.ABOUT).

    Synchronous only: SessionBase refuses the asynchronous methods, and the event stream reads it in a thread.
    """

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.about: dict[str, Any] = {}

    def exists(self, session_key: str) -> bool:
        return bool(_model().objects.filter(pk=row_id(session_key)).exists())

    def load(self) -> dict[str, Any]:
        row = _model().objects.filter(pk=row_id(self.session_key or ""), expires_at__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        self.about = {name: getattr(row, name) for name in row.ABOUT}
        return self.decode(row.session_data)

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue  # the key was taken
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Write the session. Raises UpdateError when its row is gone: an ended session does not come back."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        user_id = data.get(SESSION_KEY)
        row = _model()(
            id=row_id(self.session_key), user_id=user_id, session_data=self.encode(data),
            expires_at=self._expiry(user_id is not None), **self.about,
        )  # fmt: skip
        try:
            with transaction.atomic():
                row.save(force_insert=must_create, force_update=not must_create)
        except IntegrityError:
            if must_create:
                raise CreateError from None
            raise
        except DatabaseError:
            if not must_create:
                raise UpdateError from None
            raise

    def _expiry(self, signed_in: bool) -> datetime:
        expiry = self.get_expiry_date()
        return expiry if signed_in else min(expiry, timezone.now() + NOBODYS_LIFE)

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            _model().objects.filter(pk=row_id(key)).delete()

    def flush(self) -> None:
        super().flush()
        self.about = {}

    def take(self, name: str) -> Any:
        """Take a value out for good, or None. The row is locked and read anew until the transaction ends, so of two
        requests at the same time one gets it."""
        self.pop(name, None)
        row = _model().objects.select_for_update().filter(pk=row_id(self.session_key or "")).first()
        if row is None:
            return None
        self.save()
        return self.decode(row.session_data).get(name)

    def used(self, request: HttpRequest) -> None:
        """Note that a signed-in session was used now, at most every five minutes."""
        now = timezone.now()
        if self.about.get("signed_in_at") and now - self.about["seen_at"] > SEEN_EVERY:
            self.about |= {"seen_at": now, "address": hint(client_address(request))}
            _model().objects.filter(pk=row_id(self.session_key or "")).update(
                seen_at=now, address=self.about["address"]
            )


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's, and it notes when a session was used: without a query of its own unless five minutes have passed."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session = getattr(request, "session", None)
        if isinstance(session, SessionStore) and session.accessed and session.session_key:
            session.used(request)
        return super().process_response(request, response)  # type: ignore[return-value]

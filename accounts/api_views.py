"""What every endpoint shares: short transactions, one effect for one Idempotency-Key, keyset pages, careful fields."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_auth import KeyHolder, ScopedView
from accounts.audit import Actor
from accounts.models import IdempotentAnswer
from omnistra.core.ids import uuid7
from omnistra.problems import Conflict, Refusal

PAGE, MAX_PAGE = 50, 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(after|before)-(\d{1,17})-([0-9a-f]{32})")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ABANDONED = timedelta(minutes=2)  # longer than any request lives; the process that held it is gone


class CarefulParser(JSONParser):
    """JSON; a body nested beyond all sense is a bad request and not a failure of ours."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError("The JSON is nested too deeply.") from error


class TextField(serializers.CharField):
    """Text that can be stored: no NUL (DRF's own check), no half of a surrogate pair."""

    def to_internal_value(self, data: Any) -> str:
        text = str(super().to_internal_value(data))
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise serializers.ValidationError("This is not valid Unicode.")
        return text


class ApiView(ScopedView):
    """Base of the endpoints. Requests run outside a transaction, since some of them wait for a platform: handlers open
    short ones."""

    parser_classes = [CarefulParser]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    @property
    def holder(self) -> KeyHolder:
        user = self.request.user
        assert isinstance(user, KeyHolder)  # ScopePermission lets nobody else through
        return user

    @property
    def actor(self) -> Actor:
        return self.holder.actor

    def valid(self, serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
        """The checked values of a body or a query. Raises ValidationError (400)."""
        checked = serializer(data=data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def once(self, request: Request, make: Callable[[UUID], UUID], show: Callable[[UUID], Any]) -> Response:
        """Make an object, once for one Idempotency-Key. `make` gets an id that stays the same over repeats, and gives
        the object's id; `show` builds the answer, anew for a repeat."""
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return Response(show(make(uuid7())), status=201)
        if not _KEY.fullmatch(key):
            raise exceptions.ValidationError({"Idempotency-Key": "Send 1 to 255 printable ASCII characters."})
        claim = self._claim(request, key)
        if claim.location is not None:
            return Response(show(claim.location), status=claim.status or 201)
        try:
            made = make(claim.pk)
        except BaseException:
            with transaction.atomic():
                IdempotentAnswer.objects.filter(pk=claim.pk, location__isnull=True).delete()
            raise
        with transaction.atomic():
            IdempotentAnswer.objects.filter(pk=claim.pk).update(status=201, location=made)
        return Response(show(made), status=201)

    def _claim(self, request: Request, key: str) -> IdempotentAnswer:
        body = json.dumps([request.method, request.path, request.data], sort_keys=True, default=str)
        asked = hashlib.sha256(body.encode("utf-8", "surrogatepass")).digest()
        hashed = hashlib.sha256(key.encode()).digest()
        try:
            with transaction.atomic():
                return IdempotentAnswer.objects.create(
                    api_key_id=self.holder.key.pk, key_hash=hashed, request_hash=asked
                )
        except IntegrityError:
            pass
        with transaction.atomic():
            claim = (
                IdempotentAnswer.objects.select_for_update()
                .filter(api_key_id=self.holder.key.pk, key_hash=hashed)
                .first()
            )
            if claim is None:
                raise Conflict("The first request with this Idempotency-Key has just failed. Send it again.")
            if bytes(claim.request_hash) != asked:
                raise Refusal(
                    "idempotency_key_reused", "This Idempotency-Key came with another request. Use a new one."
                )
            if claim.location is None:
                if claim.created_at > timezone.now() - _ABANDONED:
                    raise Conflict("The first request with this Idempotency-Key is still running.")
                claim.created_at = timezone.now()
                claim.save(update_fields=["created_at"])
            return claim


class PageQuery(serializers.Serializer[Any]):
    """The query of every list."""

    cursor = serializers.RegexField(_CURSOR, required=False, help_text="From `next` or `previous`.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=PAGE)


def keyset_page(
    request: Request, rows: models.QuerySet[Any], time_field: str, query: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The newest rows first, by (time, id): the rows of the page, and its `next` and `previous` addresses."""
    limit, backwards, position = query["limit"], False, None
    if match := _CURSOR.fullmatch(query.get("cursor") or ""):
        at = _EPOCH + timedelta(microseconds=int(match[2]))
        position, backwards = (at, UUID(match[3])), match[1] == "before"
    if position:
        sign = "gt" if backwards else "lt"
        rows = rows.filter(
            Q(**{f"{time_field}__{sign}": position[0]}) | Q(**{time_field: position[0], f"id__{sign}": position[1]}),
            **{f"{time_field}__{sign}e": position[0]},
        )
    order = (time_field, "id") if backwards else (f"-{time_field}", "-id")
    found = list(rows.order_by(*order)[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()

    def address(way: str, row: Any) -> str:
        micro = (getattr(row, time_field) - _EPOCH) // timedelta(microseconds=1)
        parameters = request.GET.copy()
        parameters["cursor"] = f"{way}-{micro}-{row.pk.hex}"
        return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")

    older = bool(found) and (more or backwards)
    newer = bool(found) and position is not None and (more or not backwards)
    return found, {
        "next": address("after", found[-1]) if older else None,
        "previous": address("before", found[0]) if newer else None,
    }

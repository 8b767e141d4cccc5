"""How pages show icons, times and message text. Tags, not includes, because an inbox page holds hundreds of them."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

_SPRITE = "vendor/lucide/sprite.svg"
_PROVIDERS = "img/providers.svg"
_LINKED_LENGTH = 20_000  # characters; finding addresses in more would slow the page
_NAME = re.compile(r"[a-z0-9-]+")


@lru_cache(maxsize=8)
def _file(path: str) -> str:
    return static(path)


def _drawing(path: str, name: str, classes: str, words: str) -> SafeString:
    if not _NAME.fullmatch(name):
        raise template.TemplateSyntaxError(f"{name!r} names no icon.")
    spoken = format_html('role="img" aria-label="{}"', words) if words else mark_safe('aria-hidden="true"')
    return format_html('<svg class="{}" {}><use href="{}#{}"/></svg>', classes, spoken, _file(path), name)


@register.simple_tag
def icon(name: str, classes: str = "", words: str = "") -> SafeString:
    """A Lucide icon of the sprite. `classes` are added; `words` speak it where no text stands beside it."""
    return _drawing(_SPRITE, name, f"icon {classes}".strip(), words)


@register.simple_tag
def provider_mark(provider: str, classes: str = "", words: str = "") -> SafeString:
    """The small mark of a provider (static/img/providers.svg)."""
    return _drawing(_PROVIDERS, provider.replace("_", "-"), f"mark mark-{provider} {classes}".strip(), words)


def span(left: timedelta) -> str:
    """A length of time in its two largest units: "3 h 12 m", "2 d 4 h", "5 m"; below a minute "1 m"."""
    minutes = max(1, int(abs(left).total_seconds() // 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours} if hours else _("%d d") % days
    if hours:
        return _("%(hours)d h %(minutes)d m") % {"hours": hours, "minutes": minutes} if minutes else _("%d h") % hours
    return _("%d m") % minutes


def short(moment: datetime) -> str:
    """For lists: "14:05" today, "Yesterday", "Mon" within a week, "12 Mar", "12 Mar 2025" in another year."""
    local, today = timezone.localtime(moment), timezone.localdate()
    days = (today - local.date()).days
    if days == 0:
        return local.strftime("%H:%M")
    if days == 1:
        return _("Yesterday")
    if 1 < days < 7:
        return date_format(local, "D")
    return date_format(local, "j M" if local.year == today.year else "j M Y")


def day(value: date) -> str:
    """For separators: "Today", "Yesterday", "Monday 16 November", with the year when it is another one."""
    today = timezone.localdate()
    days = (today - value).days
    if days == 0:
        return _("Today")
    if days == 1:
        return _("Yesterday")
    return date_format(value, "l j F" if value.year == today.year else "l j F Y")


def _words(moment: datetime, form: str) -> str:
    local = timezone.localtime(moment)
    match form:
        case "short":
            return short(moment)
        case "clock":
            return local.strftime("%H:%M")
        case "day":
            return day(local.date())
        case "date":
            return date_format(local, "j M Y")
        case "full":
            return date_format(local, "j M Y, H:i")
        case "ago":
            return _("%s ago") % span(timezone.now() - moment)
        case _:
            raise template.TemplateSyntaxError(f"{form!r} is no form of a time.")


@register.simple_tag
def when(moment: datetime | None, form: str = "short", classes: str = "") -> SafeString:
    """A `<time>` that people read, with the exact time on hover; static/js/clock.js keeps it right.

    Forms: short, clock, day, date, full, ago. Nothing for None.
    """
    if moment is None:
        return SafeString("")
    exact = date_format(timezone.localtime(moment), "D j M Y, H:i") + " " + timezone.localtime(moment).strftime("%Z")
    return format_html(
        '<time datetime="{}" title="{}" data-form="{}"{}>{}</time>',
        moment.isoformat(timespec="seconds"),
        exact,
        form,
        format_html(' class="{}"', classes) if classes else "",
        _words(moment, form),
    )


@register.simple_tag
def window_clock(closes_at: datetime | None, form: str = "long") -> SafeString:
    """The reply window's clock: "closes in 3 h 12 m" (long) or "3 h 12 m" (short), ticking in the browser."""
    if closes_at is None:
        return SafeString("")
    left = closes_at - timezone.now()
    ahead, behind = (_("closes in %s"), _("closed %s ago")) if form == "long" else ("%s", _("closed"))
    words = ahead if left > timedelta() else behind
    return format_html(
        '<time datetime="{}" title="{}" data-window data-ahead="{}" data-behind="{}">{}</time>',
        closes_at.isoformat(timespec="seconds"),
        date_format(timezone.localtime(closes_at), "D j M Y, H:i"),
        ahead,
        behind,
        words % span(left) if "%s" in words else words,
    )


_KIND_ICONS = {
    "image": "image", "video": "video", "audio": "mic", "document": "file-text", "sticker": "sticker",
    "location": "map-pin", "contacts": "contact-round", "order": "tag", "form": "scroll-text", "link": "link",
    "story": "at-sign",
}  # fmt: skip
_VIEW_ICONS = {"open": "inbox", "mine": "user", "unassigned": "circle-dashed", "closed": "circle-check"}


@register.filter
def kind_icon(kind: str) -> str:
    """The icon of a message type or file kind."""
    return _KIND_ICONS.get(kind, "file")


@register.filter
def view_icon(key: str) -> str:
    """The icon of a view of the inbox."""
    return _VIEW_ICONS.get(key, "hash")


@register.filter
def day_name(value: date) -> str:
    """A date as a separator reads it."""
    return day(value)


@register.filter
def day_key(value: date) -> str:
    """A date as part of an element id."""
    return value.strftime("%Y-%m-%d")


@register.filter
def share_of_day(closes_at: datetime | None) -> int:
    """How much of 24 hours is left until `closes_at`, in percent, 0 to 100: for the clock's ring."""
    if closes_at is None:
        return 0
    return max(0, min(100, round((closes_at - timezone.now()).total_seconds() / 864)))


@register.filter
def count(number: int | None) -> str:
    """A count that fits a narrow place: 999, 1.2k, 34k."""
    number = number or 0
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k".replace(".0k", "k") if number < 10_000 else f"{number // 1000}k"


@register.filter
def messages_count(number: int) -> str:
    """ "1 unread message", "4 unread messages" """
    return ngettext("%d unread message", "%d unread messages", number) % number


@register.filter
def linkify(text: str | None) -> SafeString:
    """Message text, escaped, its web and mail addresses made into links that pass nothing on."""
    if not text:
        return SafeString("")
    if len(text) > _LINKED_LENGTH:
        return SafeString(escape(text))
    linked = urlize(str(text), nofollow=True, autoescape=True)
    return mark_safe(linked.replace("<a href=", '<a target="_blank" referrerpolicy="no-referrer" href='))  # noqa: S308

"""Codes: of apps and for recovery. Each works once, wrong ones cost time, and the person learns of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone
from django_otp import verify_token
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, AuthenticatorApp, RecoveryCode, RecoveryCodes, User, Workspace
from accounts.models.second_factor import Outcome
from accounts.second_factor import factors
from omnistra.core import keyring
from omnistra.core.keyring import SealBroken
from omnistra.core.tenancy import workspace_scope
from tests.factors import add_app, code_of, is_signed_in, show_password

STAGE = "/accounts/second-factor/"


@pytest.fixture
def app(owner) -> AuthenticatorApp:
    return add_app(owner)


def wrong(app: AuthenticatorApp) -> str:
    """A code that the app does not show, now or nearby."""
    shown = {code_of(app, steps) for steps in range(-3, 4)}
    return next(code for number in range(10) if (code := f"{number:06d}") not in shown)


def wait_over(device) -> None:
    type(device).objects.filter(pk=device.pk).update(throttling_failure_timestamp=timezone.now() - timedelta(hours=1))


def actions(workspace: Workspace) -> list[tuple[str, list[str]]]:
    with workspace_scope(workspace.pk):
        return list(AuditEntry.objects.order_by("at", "pk").values_list("action", "fields"))


@pytest.mark.clause("12b")
def test_a_code_is_right_once(owner, app):
    code = code_of(app)
    assert factors.use_code(owner, code).device == app
    assert factors.use_code(owner, code).outcome is Outcome.USED
    app.refresh_from_db()
    assert app.last_used_at and app.throttling_failure_count == 1


@pytest.mark.parametrize("typed", ["{} {}", "{}-{}", " {}{}\n", "{}\u00a0{}"])
def test_a_code_may_be_typed_in_groups(owner, app, typed):
    code = code_of(app)
    assert factors.use_code(owner, typed.format(code[:3], code[3:])).device == app


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off_and_no_more(owner, app, steps, taken):
    assert (factors.use_code(owner, code_of(app, steps)).device == app) is taken


def test_an_older_code_does_not_pass_after_a_newer_one(owner, app):
    older, newer = code_of(app, 0), code_of(app, 1)
    assert factors.use_code(owner, newer).device == app
    assert factors.use_code(owner, older).device is None


@pytest.mark.clause("12b")
def test_after_a_wrong_code_even_the_right_one_waits(owner, app):
    assert factors.use_code(owner, wrong(app)).outcome is Outcome.WRONG
    verdict = factors.use_code(owner, code_of(app))
    assert (verdict.device, verdict.outcome, verdict.wait) == (None, Outcome.WAIT, 1)
    wait_over(app)
    assert factors.use_code(owner, code_of(app)).device == app
    app.refresh_from_db()
    assert app.throttling_failure_count == 0


def test_the_wait_doubles_and_stops_at_half_an_hour(owner, app):
    waits = []
    for _ in range(14):
        assert factors.use_code(owner, wrong(app)).outcome is Outcome.WRONG
        app.refresh_from_db()
        waits.append(app.seconds_to_wait())
        wait_over(app)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 2048, 2048]


def test_a_code_that_is_not_looked_at_makes_no_wait_longer_and_leaves_no_entry(owner, app, workspace):
    factors.use_code(owner, wrong(app))
    before = actions(workspace)
    for _ in range(20):
        assert factors.use_code(owner, wrong(app)).outcome is Outcome.WAIT
    app.refresh_from_db()
    assert app.throttling_failure_count == 1
    assert actions(workspace) == before == [("second_factor.refused", ["app"])]


def test_five_wrong_codes_in_a_row_are_mailed_once(owner, app, workspace, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(8):
            factors.use_code(owner, wrong(app))
            wait_over(app)
    assert [message.to for message in mail.outbox] == [[owner.email]]
    assert "5 times" in mail.outbox[0].body and "/accounts/security/" in mail.outbox[0].body


def test_somebody_elses_code_is_wrong(owner, app, other):
    max_ = User.objects.get(email="max@elsewhere.example")
    theirs = add_app(max_)
    assert factors.use_code(owner, code_of(theirs)).device is None
    assert factors.use_code(max_, code_of(theirs)).device == theirs


@given(typed=st.text(max_size=70))
def test_whatever_is_typed_is_either_a_code_or_none(typed):
    app_code, recovery_code = AuthenticatorApp.normalise(typed), RecoveryCodes.normalise(typed)
    assert app_code is None or (len(app_code) == 6 and app_code.isascii() and app_code.isdigit())
    assert recovery_code is None or (len(recovery_code) == 12 and recovery_code.isascii())


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "+12345", "1_2345", "１２３４５６", "x" * 64, "\u0660" * 6])
def test_what_is_no_code_is_wrong_and_costs_nothing(owner, app, typed):
    assert factors.use_code(owner, typed).outcome is Outcome.WRONG
    app.refresh_from_db()
    assert app.throttling_failure_count == 0


def test_django_otps_own_question_is_answered_alike(owner, app):
    code = code_of(app)
    assert verify_token(owner, app.persistent_id, code) == app
    assert verify_token(owner, app.persistent_id, code) is None


@pytest.mark.clause("12b")
def test_a_recovery_code_works_once_and_is_mailed(owner, app, workspace, django_capture_on_commit_callbacks):
    codes = RecoveryCodes.renew(owner)
    assert len(set(codes)) == 10 and all(len(code.replace("-", "")) == 12 for code in codes)
    with django_capture_on_commit_callbacks(execute=True):
        assert isinstance(factors.use_code(owner, codes[0].upper()).device, RecoveryCodes)
        assert factors.use_code(owner, codes[0]).outcome is Outcome.USED
    assert [message.to for message in mail.outbox] == [[owner.email]]
    assert "Codes left: 9" in mail.outbox[0].body
    assert actions(workspace) == [("recovery_code.used", []), ("second_factor.refused", ["recovery_code"])]


def test_a_wrong_recovery_code_slows_recovery_codes_and_not_the_app(owner, app):
    codes = RecoveryCodes.renew(owner)
    assert factors.use_code(owner, "0000-0000-0000").outcome is Outcome.WRONG
    assert factors.use_code(owner, codes[0]).outcome is Outcome.WAIT
    assert factors.use_code(owner, code_of(app)).device == app
    wait_over(RecoveryCodes.objects.get())
    assert factors.use_code(owner, codes[0]).outcome is Outcome.RIGHT


def test_new_recovery_codes_end_the_ones_before(owner, app):
    old = RecoveryCodes.renew(owner)
    new = RecoveryCodes.renew(owner)
    assert factors.use_code(owner, old[3]).outcome is Outcome.WRONG
    wait_over(RecoveryCodes.objects.get())
    assert factors.use_code(owner, new[3]).outcome is Outcome.RIGHT
    assert RecoveryCodes.objects.get().left() == 9


def test_a_recovery_code_of_another_person_is_wrong(owner, app, other):
    max_ = User.objects.get(email="max@elsewhere.example")
    theirs = RecoveryCodes.renew(max_)
    RecoveryCodes.renew(owner)
    assert factors.use_code(owner, theirs[0]).outcome is Outcome.WRONG
    assert RecoveryCode.objects.filter(used_at=None).count() == 20


def test_letters_that_look_like_digits_are_read_as_digits():
    assert RecoveryCodes.normalise("O1IL-oooo-abcd") == "01110000abcd"


def _at_once(times: int, do: Callable[[], bool]) -> int:
    """How many of so many calls at the same moment gave True."""
    together = Barrier(times)

    def one(_: int) -> bool:
        try:
            together.wait()
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return sum(pool.map(one, range(times)))


@pytest.mark.clause("12b")
@pytest.mark.parametrize("kind", ["app", "recovery code"])
def test_of_sign_ins_that_show_one_code_at_the_same_moment_one_is_let_through(committed, owner, app, kind):
    code = code_of(app) if kind == "app" else RecoveryCodes.renew(owner)[0]

    def sign_in() -> bool:
        client = Client()
        show_password(client, owner)
        client.post(STAGE, {"code": code})
        return is_signed_in(client)

    assert _at_once(4, sign_in) == 1


def test_a_secret_is_sealed_for_its_person_and_row(owner, app, other):
    max_ = User.objects.get(email="max@elsewhere.example")
    secret = app.secret
    keyring.forget_opened_keys()
    assert AuthenticatorApp.objects.get().secret == secret
    AuthenticatorApp.objects.update(user=max_)  # a row given to somebody else does not open
    with pytest.raises(SealBroken):
        AuthenticatorApp.objects.get().secret  # noqa: B018
    AuthenticatorApp.objects.update(user=owner)
    assert keyring.destroy_person_key(owner.pk) == 1
    with pytest.raises(keyring.KeyMissing):
        AuthenticatorApp.objects.get().secret  # noqa: B018

"""Routes under /accounts/, before allauth's: `account_reauthenticate` takes the place of its own page."""

from django.urls import path

from accounts.second_factor.views import security, set_up, sign_in

urlpatterns = [
    path("security/", security.security, name="account_security"),
    path("reauthenticate/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("second-factor/", sign_in.second_factor, name="account_second_factor"),
    path("second-factor/set-up/", set_up.set_up, name="account_second_factor_set_up"),
    path("second-factor/set-up/app/", set_up.add_app, name="account_second_factor_add_app"),
    path("second-factor/set-up/passkey/", set_up.add_passkey, name="account_second_factor_add_passkey"),
    path("second-factor/recovery-codes/", security.recovery_codes, name="account_recovery_codes"),
    path("second-factor/<slug:kind>/<slug:identity>/rename/", security.rename, name="account_second_factor_rename"),
    path("second-factor/<slug:kind>/<slug:identity>/remove/", security.remove, name="account_second_factor_remove"),
]

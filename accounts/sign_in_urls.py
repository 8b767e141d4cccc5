"""Routes under /accounts/: the pages of allauth that this product has, under allauth's names, and the person's sessions.

Listed one by one: a page that nobody chose is not there. Beside them stand accounts.second_factor's.
"""

from django.urls import path, re_path

from accounts.views import sessions, sign_in

urlpatterns = [
    path("login/", sign_in.sign_in, name="account_login"),
    path("logout/", sign_in.sign_out, name="account_logout"),
    path("inactive/", sign_in.inactive, name="account_inactive"),
    path("signup/", sign_in.sign_up, name="account_signup"),
    path("email/", sign_in.address, name="account_email"),
    path("confirm-email/", sign_in.verification_sent, name="account_email_verification_sent"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", sign_in.confirm_address, name="account_confirm_email"),
    path("password/change/", sign_in.change_password, name="account_change_password"),
    path("password/reset/", sign_in.reset, name="account_reset_password"),
    path("password/reset/done/", sign_in.reset_sent, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.new_password,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", sign_in.reset_done, name="account_reset_password_from_key_done"),
    path("sessions/", sessions.list_sessions, name="account_sessions"),
    path("sessions/<uuid:session_id>/end/", sessions.end_session, name="account_end_session"),
    path("sessions/end-others/", sessions.end_others, name="account_end_other_sessions"),
    path("sessions/sign-out-everywhere/", sessions.sign_out_everywhere, name="account_sign_out_everywhere"),
]

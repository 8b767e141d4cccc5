"""What accounts and privacy hold of people. Accounts may not import privacy, so its models are classified here."""

from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib.admin.models import LogEntry
from django_otp_webauthn.models import WebAuthnAttestation, WebAuthnCredential, WebAuthnUserHandle

from accounts.models import (
    Acceptance,
    AccessGrant,
    AccessRead,
    ApiKey,
    AuditChain,
    AuditEntry,
    AuditHead,
    AuthenticatorApp,
    CustomRole,
    IdempotentAnswer,
    Invitation,
    Membership,
    OperatorAction,
    RecoveryCode,
    RecoveryCodes,
    Tally,
    User,
    UserSession,
    Workspace,
)
from privacy.models import Closure, DataRequest, FileRemoval, PurgeRun, RetentionPolicy, TermsAcceptance
from privacy.registry import register

ACCOUNT = ("to provide and secure the account", "contract")
OVERSIGHT = ("to show what operators did, and why", "legitimate interest: to secure the service")
SECURITY = ("to notice a key or a session in other hands", "legitimate interest: to secure the service")
PROOF = ("to prove what was agreed", "legal obligation")

register(
    User, role="controller", retention="while the account is active, 14 days after its closure",
    personal={"email": ACCOUNT, "name": ACCOUNT, "password": ACCOUNT},
)  # fmt: skip
register(
    Workspace, role="controller", retention="while the account is active, 14 days after its closure",
    personal={"name": ACCOUNT, "slug": ACCOUNT},
)  # fmt: skip
register(Membership, role="controller", retention="with the account", clear=("role", "channel_ids"))
register(
    CustomRole, role="controller", retention="with the workspace",
    personal={"name": ACCOUNT}, clear=("permissions",),
)  # fmt: skip
register(
    Invitation, role="controller", retention="37 days",
    personal={"email": ACCOUNT, "email_hash": ACCOUNT}, clear=("role", "channel_ids", "token_hash"),
)  # fmt: skip
register(
    Acceptance, role="controller", retention="with the account", personal={"ip": PROOF},
    clear=("document", "version", "sha256"),
)  # fmt: skip
register(
    AuthenticatorApp, role="controller", retention="until removed, at the longest with the account",
    personal={"secret": ACCOUNT, "name": ACCOUNT},
)  # fmt: skip
register(RecoveryCodes, role="controller", retention="with the last second factor", clear=("name",))
register(
    RecoveryCode, role="controller", retention="until made anew or with the last second factor", clear=("code_hash",)
)
register(
    ApiKey, role="controller", retention="until revoked and the workspace closes",
    personal={"name": ACCOUNT, "addresses": SECURITY},
    clear=("hint", "key_hash", "old_hint", "old_hash", "scopes", "channel_ids"),
)  # fmt: skip
register(IdempotentAnswer, role="controller", retention="one day", clear=("key_hash", "request_hash"))
register(
    AuditEntry, role="controller", retention="13 months, or as the workspace sets it",
    clear=("action", "actor_kind", "fields", "hash"),
)  # fmt: skip
register(AuditChain, role="controller", retention="with the workspace", clear=("hash", "removed_hash"))
register(AuditHead, role="controller", retention="as the entries before it", clear=("hash",))
register(
    AccessGrant, role="controller", retention="13 months", personal={"reason": OVERSIGHT}, clear=("state",),
)  # fmt: skip
register(AccessRead, role="controller", retention="with the grant")
register(
    OperatorAction, role="controller", retention="13 months", personal={"reason": OVERSIGHT}, clear=("action",),
)  # fmt: skip
register(
    UserSession, role="controller", retention="until signed out, two weeks at most; one hour where nobody signed in",
    personal={"session_data": ACCOUNT, "browser": SECURITY, "system": SECURITY, "address": SECURITY},
)  # fmt: skip
register(Tally, role="controller", retention="one hour", clear=("times",))
register(RetentionPolicy, role="controller", retention="with the workspace")
register(PurgeRun, role="controller", retention="with the workspace", clear=("trigger", "cutoffs", "counts"))
register(Closure, role="controller", retention="13 months after its end", clear=("kind", "counts"))
register(
    DataRequest, role="controller", retention="13 months after its end", personal={"subject_hash": PROOF},
    clear=("type", "source", "code", "state"),
)  # fmt: skip
register(FileRemoval, role="processor", retention="minutes", clear=("storage_key",))
register(
    TermsAcceptance, role="controller", retention="with the workspace", personal={"ip": PROOF},
    clear=("document", "version", "sha256"),
)  # fmt: skip

# Tables of libraries.
register(EmailAddress, role="controller", retention="with the account", personal={"email": ACCOUNT})
register(EmailConfirmation, role="controller", retention="three days", clear=("key",))
register(
    WebAuthnCredential, role="controller", retention="until removed, at the longest with the account",
    personal={
        "name": ACCOUNT, "credential_id": ACCOUNT, "credential_id_sha256": ACCOUNT, "public_key": ACCOUNT,
        "aaguid": ACCOUNT, "transports": ACCOUNT,
    },
    clear=("credential_type",),
)  # fmt: skip
register(
    WebAuthnAttestation, role="controller", retention="never written (accounts.second_factor.passkeys)",
    clear=("fmt", "data", "client_data_json"),
)  # fmt: skip
register(WebAuthnUserHandle, role="controller", retention="with the account", personal={"handle_hex": ACCOUNT})
register(
    LogEntry, role="controller", retention="13 months",
    clear=("object_id", "object_repr", "change_message"),  # ids: every __str__ of this project is one
)  # fmt: skip

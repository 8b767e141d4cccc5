"""People, workspaces and what they may do, by room: people, roles, workspaces, sessions, limits, second factor,
invitations, keys, operators, audit."""

from accounts.models.audit import AuditChain, AuditEntry, AuditHead
from accounts.models.invitations import Invitation
from accounts.models.keys import ApiKey, IdempotentAnswer, StillRotating
from accounts.models.limits import Tally
from accounts.models.operators import AccessGrant, AccessRead, OperatorAction
from accounts.models.people import Acceptance, User
from accounts.models.roles import CustomRole
from accounts.models.second_factor import AuthenticatorApp, RecoveryCode, RecoveryCodes
from accounts.models.sessions import UserSession
from accounts.models.workspaces import Membership, Workspace

__all__ = [
    "Acceptance",
    "AccessGrant",
    "AccessRead",
    "ApiKey",
    "AuditChain",
    "AuditEntry",
    "AuditHead",
    "AuthenticatorApp",
    "CustomRole",
    "IdempotentAnswer",
    "Invitation",
    "Membership",
    "OperatorAction",
    "RecoveryCode",
    "RecoveryCodes",
    "StillRotating",
    "Tally",
    "User",
    "UserSession",
    "Workspace",
]

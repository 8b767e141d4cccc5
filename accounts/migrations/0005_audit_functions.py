"""The database's part of the audit log: it chains entries as their transaction commits, and it alone removes them.

The functions run as the owner of the tables (SECURITY DEFINER), because no other role may change these rows
(omnistra.core.append_only). `audit.chain` computes the same hashes in Python and trusts none of this.
"""

from django.conf import settings
from django.db import migrations

_HASH = """
CREATE FUNCTION accounts_audit_hash(previous bytea, entry accounts_auditentry) RETURNS bytea
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT sha256(previous || convert_to(jsonb_build_array(
        entry.workspace_id, entry.number, entry.id,
        to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        entry.action, entry.actor_kind, entry.actor_id, entry.target_id, to_jsonb(entry.fields)
    )::text, 'UTF8'))
$$
"""
# Called for one entry after the other. The lock on the chain's row lasts until the end of the transaction, so this has
# to run at its very end: the trigger below is deferred.
_LINK = """
CREATE FUNCTION accounts_audit_link(entry accounts_auditentry, moment timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    chain accounts_auditchain;
BEGIN
    SELECT * INTO chain FROM accounts_auditchain WHERE workspace_id = entry.workspace_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO accounts_auditchain (id, workspace_id, number, hash, at, removed_number, removed_hash)
        VALUES (gen_random_uuid(), entry.workspace_id, 0, decode(repeat('00', 32), 'hex'), moment,
                0, decode(repeat('00', 32), 'hex'))
        ON CONFLICT (workspace_id) DO NOTHING;
        SELECT * INTO chain FROM accounts_auditchain WHERE workspace_id = entry.workspace_id FOR UPDATE;
    END IF;
    entry.number := chain.number + 1;
    entry.at := greatest(chain.at, moment);
    entry.hash := accounts_audit_hash(chain.hash, entry);
    UPDATE accounts_auditentry SET number = entry.number, at = entry.at, hash = entry.hash WHERE id = entry.id;
    UPDATE accounts_auditchain SET number = entry.number, at = entry.at, hash = entry.hash WHERE id = chain.id;
END $$
"""
_CHAIN = """
CREATE FUNCTION accounts_audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM accounts_audit_link(NEW, clock_timestamp());
    RETURN NULL;
END $$
"""
_EXISTING = """
DO $$
DECLARE
    entry accounts_auditentry;
BEGIN
    FOR entry IN SELECT * FROM accounts_auditentry WHERE number IS NULL ORDER BY workspace_id, at, id LOOP
        PERFORM accounts_audit_link(entry, entry.at);
    END LOOP;
END $$
"""
_TRIGGER = """
CREATE CONSTRAINT TRIGGER chain AFTER INSERT ON accounts_auditentry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_audit_chain()
"""
# At most `at_most` of the oldest entries, and only those that are older than the workspace keeps them (six months at
# least, whatever the workspace's row says). The last one removed becomes the place on which the rest hangs.
_FORGET = """
CREATE FUNCTION accounts_audit_forget(of_workspace uuid, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    chain accounts_auditchain;
    last accounts_auditentry;
    months integer := (SELECT audit_months FROM accounts_workspace WHERE id = of_workspace);
    removed integer;
BEGIN
    SELECT * INTO chain FROM accounts_auditchain WHERE workspace_id = of_workspace FOR UPDATE;
    SELECT * INTO last FROM accounts_auditentry
    WHERE workspace_id = of_workspace AND number <= chain.removed_number + at_most
        AND at < now() - make_interval(months => greatest(months, 6))
    ORDER BY number DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    DELETE FROM accounts_auditentry WHERE workspace_id = of_workspace AND number <= last.number;
    GET DIAGNOSTICS removed = ROW_COUNT;
    DELETE FROM accounts_audithead WHERE workspace_id = of_workspace AND number < last.number;
    UPDATE accounts_auditchain SET removed_number = last.number, removed_hash = last.hash WHERE id = chain.id;
    RETURN removed;
END $$
"""
# The end of a closed workspace's log. Whoever serves can write a workspace's row, so it is the log itself that has to say
# that the workspace closed, and the database's own clock that fourteen days are over. That entry goes last.
_ERASE = """
CREATE FUNCTION accounts_audit_erase(of_workspace uuid, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    closed accounts_auditentry;
    removed integer;
BEGIN
    PERFORM FROM accounts_auditchain WHERE workspace_id = of_workspace FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT * INTO closed FROM accounts_auditentry
    WHERE workspace_id = of_workspace AND number IS NOT NULL AND action IN ('workspace.closed', 'workspace.reopened')
    ORDER BY number DESC LIMIT 1;
    IF closed.action IS DISTINCT FROM 'workspace.closed' OR closed.at > now() - interval '14 days' THEN
        RAISE EXCEPTION 'the audit log of a workspace is erased fourteen days after it closed, and not before'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM accounts_auditentry WHERE id IN (
        SELECT id FROM accounts_auditentry WHERE workspace_id = of_workspace AND id <> closed.id
        ORDER BY number LIMIT at_most
    );
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed = 0 THEN
        DELETE FROM accounts_auditentry WHERE id = closed.id;
        DELETE FROM accounts_audithead WHERE workspace_id = of_workspace;
        DELETE FROM accounts_auditchain WHERE workspace_id = of_workspace;
        RETURN 1;
    END IF;
    RETURN removed;
END $$
"""
# EXECUTE is the system role's alone: inside a workspace's scope nobody can call them.
_RIGHTS = f"""
REVOKE EXECUTE ON FUNCTION accounts_audit_hash(bytea, accounts_auditentry) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION accounts_audit_link(accounts_auditentry, timestamptz) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION accounts_audit_chain() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION accounts_audit_forget(uuid, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION accounts_audit_erase(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_audit_forget(uuid, integer) TO {settings.SYSTEM_ROLE};
GRANT EXECUTE ON FUNCTION accounts_audit_erase(uuid, integer) TO {settings.SYSTEM_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_audit_chain")]
    operations = [
        migrations.RunSQL(_HASH, "DROP FUNCTION accounts_audit_hash(bytea, accounts_auditentry)"),
        migrations.RunSQL(_LINK, "DROP FUNCTION accounts_audit_link(accounts_auditentry, timestamptz)"),
        migrations.RunSQL(_CHAIN, "DROP FUNCTION accounts_audit_chain()"),
        migrations.RunSQL(_FORGET, "DROP FUNCTION accounts_audit_forget(uuid, integer)"),
        migrations.RunSQL(_ERASE, "DROP FUNCTION accounts_audit_erase(uuid, integer)"),
        migrations.RunSQL(_EXISTING, migrations.RunSQL.noop),
        migrations.RunSQL(_TRIGGER, "DROP TRIGGER chain ON accounts_auditentry"),
        migrations.RunSQL(_RIGHTS, migrations.RunSQL.noop),
    ]

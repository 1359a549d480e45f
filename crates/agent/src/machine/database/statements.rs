//! What is said as the master. Names and passwords in it are made of letters and digits alone.

use stoa_domain::Secret;
use zeroize::Zeroizing;

use super::Database;
use crate::postgresql;

/// Connections of Stoa's own work in one database.
const OF_WORK: u32 = 4;

/// Everything that a role could be besides its database's owner.
const NO_MORE: &str = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";

/// Statements about roles, which PostgreSQL doesn't take from two at a time: all of them or none. Nobody but the master
/// comes to the database that they are said in, so nobody else holds its locks.
pub(super) fn at_once(statements: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "BEGIN;\nSET LOCAL lock_timeout = 0;\nSELECT pg_advisory_xact_lock(1);\n{statements}COMMIT;\n"
    ))
}

fn creating(role: &str) -> String {
    format!(
        "SELECT 'CREATE ROLE \"{role}\"' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec\n"
    )
}

pub(super) fn role(database: &Database, limit: u32) -> Zeroizing<String> {
    let (name, password) = (&database.name, database.password.reveal_text().unwrap_or_default());
    Zeroizing::new(format!(
        "ALTER ROLE \"{name}\" LOGIN {NO_MORE} CONNECTION LIMIT {limit} PASSWORD '{password}';\n"
    ))
}

/// Of a role that may not be there yet, or any more.
pub(super) fn limiting(name: &str, limit: u32) -> String {
    format!(
        "SELECT 'ALTER ROLE \"{name}\" CONNECTION LIMIT {limit}' FROM pg_roles WHERE rolname = '{name}' AND rolconnlimit <> {limit} \\gexec\n"
    )
}

/// What a worker does is done as the owner: what it makes is the owner's.
pub(super) fn hiring(name: &str, password: &Secret) -> Zeroizing<String> {
    let (worker, password) = (postgresql::working(name), password.reveal_text().unwrap_or_default());
    let created = creating(&worker);
    Zeroizing::new(format!(
        "{created}ALTER ROLE \"{worker}\" LOGIN INHERIT {NO_MORE} CONNECTION LIMIT {OF_WORK} PASSWORD '{password}';\n\
         GRANT \"{name}\" TO \"{worker}\";\n\
         ALTER ROLE \"{worker}\" SET role = '{name}';\n"
    ))
}

pub(super) fn making(database: &Database, limit: u32) -> Zeroizing<String> {
    let name = &database.name;
    let roles = Zeroizing::new(creating(name) + &role(database, limit));
    let roles = at_once(&roles);
    Zeroizing::new(format!(
        r#"{}SELECT 'CREATE DATABASE "{name}" OWNER "{name}" TEMPLATE template0 ENCODING ''UTF8''' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \gexec
REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;
ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true;
SELECT oid FROM pg_database WHERE datname = '{name}';
"#,
        roles.as_str()
    ))
}

/// An empty database beside the one in use, with what its application has set for that one (`ALTER DATABASE … SET`).
pub(super) fn making_aside(name: &str) -> String {
    let (aside, dropped) = (postgresql::aside(name), dropping_database(&postgresql::aside(name)));
    format!(
        r#"{dropped}CREATE DATABASE "{aside}" OWNER "{name}" TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE "{aside}" FROM PUBLIC;
INSERT INTO pg_db_role_setting
    SELECT other.oid, setting.setrole, setting.setconfig
    FROM pg_db_role_setting setting
    JOIN pg_database used ON used.oid = setting.setdatabase AND used.datname = '{name}'
    JOIN pg_database other ON other.datname = '{aside}';
"#
    )
}

/// Each has the other's name afterwards.
pub(super) fn exchanging(name: &str) -> String {
    let aside = postgresql::aside(name);
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{name}', '{aside}');"
    );
    format!(
        r#"{end}
ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false;
ALTER DATABASE "{aside}" WITH ALLOW_CONNECTIONS false;
{end}
BEGIN;
ALTER DATABASE "{name}" RENAME TO "{name}_between";
ALTER DATABASE "{aside}" RENAME TO "{name}";
ALTER DATABASE "{name}_between" RENAME TO "{aside}";
COMMIT;
ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true;
"#
    )
}

pub(super) fn extension(name: &str) -> String {
    format!("CREATE EXTENSION IF NOT EXISTS \"{name}\";\n")
}

/// From then on nobody is let in as that role.
pub(super) fn closing(name: &str) -> String {
    format!(
        "SELECT 'ALTER ROLE \"{name}\" NOLOGIN' FROM pg_roles WHERE rolname = '{name}' AND rolcanlogin \\gexec\n"
    )
}

/// Answers how many were told to end.
pub(super) fn ending(name: &str) -> String {
    format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{name}';\n")
}

/// A template isn't dropped, and a database's owner may call it one.
pub(super) fn dropping_database(name: &str) -> String {
    format!(
        "SELECT 'ALTER DATABASE \"{name}\" WITH IS_TEMPLATE false' FROM pg_database WHERE datname = '{name}' \\gexec\n\
         DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE);\n"
    )
}

/// What an application has done to its own database or role, or another to its role, keeps nothing: a role on which
/// another's things depend stays, and opens nothing any more, until those things are gone too.
pub(super) fn dropping(name: &str) -> String {
    let (aside, worker) = (postgresql::aside(name), postgresql::working(name));
    let shut = at_once(&(closing(name) + &closing(&worker)));
    let ended = ending(name) + &ending(&worker);
    let dropped = dropping_database(&aside) + &dropping_database(name);
    let gone = at_once(&format!(
        r#"SELECT format('ALTER ROLE %I PASSWORD NULL', rolname) FROM pg_roles WHERE rolname IN ('{name}', '{worker}') \gexec
DO $$ DECLARE gone name; BEGIN
    FOR gone IN
        SELECT rolname FROM pg_authid
        WHERE rolname ~ '^i_[0-9a-f]{{20}}(_work)?$' AND NOT rolcanlogin AND rolpassword IS NULL
        ORDER BY rolname DESC
    LOOP
        BEGIN
            EXECUTE format('DROP ROLE %I', gone);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            NULL;
        END;
    END LOOP;
END $$;
"#
    ));
    format!("{}{ended}{dropped}{}", shut.as_str(), gone.as_str())
}

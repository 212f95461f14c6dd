//! Opening the file: its lock, its pragmas, its schema.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{error::OpenError, place};

/// Says in the header of the file whose it is: the letters `fnfr`.
const APPLICATION_ID: i64 = 0x666E_6672;

/// What brings a file from one version of the schema to the next.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema.sql"),
    include_str!("master.sql"),
    include_str!("notices.sql"),
    include_str!("parked.sql"),
];

/// How long a connection waits for another one of this process.
const BUSY: Duration = Duration::from_secs(5);

/// Pages after which a commit writes the log back into the file: 16 MB.
const CHECKPOINT_PAGES: i64 = 4_096;

/// Bytes that the log keeps after it was written back.
const LOG_BYTES: i64 = 64 << 20;

/// Keeps every other process out as long as it is held.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let beside = beside(path, "-lock");
        let io = |source| OpenError::Io { path: beside.clone(), source };
        let file = private().create(true).truncate(false).open(&beside);
        let file = file.map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }
}

impl Drop for Lock {
    /// To close the file is not enough: a process that is just being started has it too, until it runs its program.
    fn drop(&mut self) {
        let (Ok(()) | Err(_)) = self.0.unlock();
    }
}

/// A file that only its owner reads: payloads may stand in it as they are. SQLite makes those beside it alike.
pub(super) fn private() -> OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The connection that writes; makes the file where there is none.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |error: rusqlite::Error| sqlite(path, &error);
    let is_new = !path.exists();
    if is_new {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        private().create_new(true).open(path).map_err(io)?;
    }
    let names = place::names(path);
    if names > 1 {
        let what = format!(
            "it has {names} names (hard links): a lock beside one of them keeps nobody out"
        );
        return Err(OpenError::Unsafe { path: path.to_owned(), what });
    }
    let mut connection = Connection::open(path).map_err(sqlite)?;
    connection.busy_timeout(BUSY).map_err(sqlite)?;
    plan_once(&connection).map_err(sqlite)?;
    migrate(&mut connection, path)?;
    for (name, value) in
        [("wal_autocheckpoint", CHECKPOINT_PAGES), ("journal_size_limit", LOG_BYTES)]
    {
        set(&connection, name, value).map_err(sqlite)?;
    }
    must(&connection, path, ("journal_mode", "WAL"), "wal")?;
    must(&connection, path, ("synchronous", "FULL"), "2")?;
    must(&connection, path, ("trusted_schema", "OFF"), "0")?;
    must(&connection, path, ("cell_size_check", "ON"), "1")?;
    connection.set_prepared_statement_cache_capacity(64);
    if is_new {
        sync_folder(path)?;
    }
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |error: rusqlite::Error| sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY).map_err(sqlite)?;
    plan_once(&connection).map_err(sqlite)?;
    set(&connection, "cache_size", -8_192).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A connection that only looks, where nobody else of this process has the file.
pub(super) fn inspector(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        let source = io::Error::new(io::ErrorKind::NotFound, "there is no such file");
        return Err(OpenError::Io { path: path.to_owned(), source });
    }
    let connection = reader(path)?;
    let (application, version) = versions(&connection, path)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if application != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if version > known {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known });
    }
    if version < known {
        return Err(OpenError::Older { path: path.to_owned(), found: version, known });
    }
    Ok(connection)
}

/// Whose file it is, and the version of its schema.
fn versions(connection: &Connection, path: &Path) -> Result<(i64, i64), OpenError> {
    let number = |name: &str| {
        let found = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        found.map_err(|error| sqlite(path, &error))
    };
    Ok((number("application_id")?, number("user_version")?))
}

/// A statement is planned once, whatever is bound to it: without this, most are parsed and planned anew each time.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn set(connection: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(|error| match error {
        // Some pragmas answer with nothing.
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    })
}

/// Sets a pragma, and believes it only when it reads back.
fn must(
    connection: &Connection,
    path: &Path,
    (name, value): (&str, &str),
    expected: &str,
) -> Result<(), OpenError> {
    let sqlite = |error: rusqlite::Error| sqlite(path, &error);
    connection.execute_batch(&format!("PRAGMA {name} = {value}")).map_err(sqlite)?;
    let found = connection.pragma_query_value(None, name, |row| {
        row.get_ref(0).map(|value| match value.as_i64() {
            Ok(number) => number.to_string(),
            Err(_) => value.as_str().unwrap_or_default().to_owned(),
        })
    });
    let found = found.map_err(sqlite)?;
    if found == expected {
        return Ok(());
    }
    let what = format!("SQLite does not take `{name} = {value}` here, but says `{found}`");
    Err(OpenError::Unsafe { path: path.to_owned(), what })
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let says = |error: rusqlite::Error| sqlite(path, &error);
    let (application, version) = versions(connection, path)?;
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let tables = connection.query_row("SELECT count(*) FROM sqlite_master", [], count);
    let tables = tables.map_err(says)?;
    let is_new = application == 0 && version == 0 && tables == 0;
    if !is_new && application != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version > known {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known });
    }
    if is_new {
        set(connection, "auto_vacuum", 2).map_err(says)?;
    }
    for (done, script) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0))
    {
        let migration = connection.transaction().map_err(says)?;
        migration.execute_batch(script).map_err(says)?;
        let version = i64::try_from(done + 1).unwrap_or(i64::MAX);
        set(&migration, "application_id", APPLICATION_ID).map_err(says)?;
        set(&migration, "user_version", version).map_err(says)?;
        migration.commit().map_err(says)?;
    }
    Ok(())
}

/// Without it, the name of a new file may be gone after a loss of power.
pub(super) fn sync_folder(path: &Path) -> Result<(), OpenError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source: io::Error| OpenError::Io { path: folder.to_owned(), source })
}

fn sqlite(path: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Sqlite { path: path.to_owned(), says: error.to_string() }
}

//! Which master keys there are, and what they open.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    OpenError,
    crypto::{DataKey, KeyId, MasterKey},
    error::Failure,
};
use crate::report::BroadcastId;

/// The columns of a broadcast that [`Seals::key`] reads.
pub(super) const KEY: &str = "b.master, b.wrapped";

/// The master keys that were given. Without any, nothing is sealed and nothing that is opens.
#[derive(Debug, Default)]
pub(super) struct Seals {
    /// The first one seals.
    keys: Vec<MasterKey>,
    /// What names are hashed with: always the same, whatever becomes of the master keys.
    names: Option<DataKey>,
}

/// A data key, and how it is written down.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) key: DataKey,
    pub(super) master: KeyId,
    pub(super) wrapped: [u8; super::crypto::WRAPPED_BYTES],
}

impl Seals {
    /// For the one that writes: all keys must be there that something is sealed with. A new one is noted.
    pub(super) fn load(
        connection: &Connection,
        path: &Path,
        keys: &[MasterKey],
    ) -> Result<Self, OpenError> {
        let says =
            |failure: Failure| OpenError::Sqlite { path: path.to_owned(), says: failure.says };
        if is_between(connection).map_err(says)? {
            return Err(OpenError::HalfSealed { path: path.to_owned() });
        }
        let noted = noted(connection).map_err(says)?;
        let is_given = |id: KeyId| keys.iter().any(|key| key.id() == id);
        let missing: Vec<_> = noted.iter().map(|(id, _)| *id).filter(|id| !is_given(*id)).collect();
        if !missing.is_empty() {
            return Err(OpenError::KeyMissing { path: path.to_owned(), missing });
        }
        let Some(first) = keys.first() else { return Ok(Self::default()) };
        let names = match names(&noted, keys).map_err(says)? {
            Some(names) => names,
            None if has_held(connection).map_err(says)? => {
                return Err(OpenError::NotSealed { path: path.to_owned() });
            }
            None => DataKey::draw().map_err(says)?,
        };
        if noted.iter().all(|(id, _)| *id != first.id()) {
            note(connection, first, &names).map_err(says)?;
        }
        Ok(Self { keys: keys.to_vec(), names: Some(names) })
    }

    /// For one that looks: what it has no key for does not open.
    pub(super) fn look(connection: &Connection, keys: &[MasterKey]) -> Result<Self, Failure> {
        let names = names(&noted(connection)?, keys)?;
        Ok(Self { keys: keys.to_vec(), names })
    }

    /// A new data key; none where nothing is sealed.
    pub(super) fn draw(&self) -> Result<Option<Wrapped>, Failure> {
        let Some(master) = self.keys.first() else { return Ok(None) };
        let key = DataKey::draw()?;
        let wrapped = master.wrap(&key)?;
        Ok(Some(Wrapped { key, master: master.id(), wrapped }))
    }

    /// The data key of a broadcast, from the columns [`KEY`]; none where it is not sealed.
    pub(super) fn key(
        &self,
        of: BroadcastId,
        row: &Row<'_>,
        first: usize,
    ) -> Result<Option<DataKey>, Failure> {
        let Some(id) = row.get::<_, Option<[u8; 8]>>(first)?.map(KeyId) else { return Ok(None) };
        let master = self.keys.iter().find(|key| key.id() == id);
        let master = master.ok_or_else(|| Failure::locked(id))?;
        let opened = match row.get_ref(first + 1)?.as_blob() {
            Ok(wrapped) => master.unwrap(wrapped),
            Err(_) => None,
        };
        opened.map(Some).ok_or_else(|| Failure::changed(of, "its data key (`broadcast.wrapped`)"))
    }

    /// As a column has it that is looked up: hashed, where names are.
    pub(super) fn name(&self, what: &str, text: &str) -> Option<String> {
        let digest = self.names.as_ref()?.digest(what, text.as_bytes());
        Some(digest[..16].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The same of a fingerprint.
    pub(super) fn fingerprint(&self, fingerprint: &[u8; 32]) -> Option<[u8; 32]> {
        Some(self.names.as_ref()?.digest("fingerprint", fingerprint))
    }
}

/// The master keys that something is sealed with, and what names are hashed with under each.
pub(super) fn noted(connection: &Connection) -> Result<Vec<(KeyId, Vec<u8>)>, Failure> {
    let mut statement = connection.prepare("SELECT id, wrapped FROM master_key ORDER BY id")?;
    let found = statement.query_map([], |row| Ok((KeyId(row.get(0)?), row.get(1)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// What names are hashed with; none where no key is noted of those that were given.
pub(super) fn names(
    noted: &[(KeyId, Vec<u8>)],
    keys: &[MasterKey],
) -> Result<Option<DataKey>, Failure> {
    for (id, wrapped) in noted {
        let Some(key) = keys.iter().find(|key| key.id() == *id) else { continue };
        let damaged =
            || Failure::corrupt(format!("what is noted of the master key {id} was changed"));
        return key.unwrap(wrapped).map(Some).ok_or_else(damaged);
    }
    Ok(None)
}

/// Whether anything was ever accepted: it stands there as it is, or its traces do.
fn has_held(connection: &Connection) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM broadcast UNION ALL SELECT 1 FROM counter WHERE name = 'seq' LIMIT 1";
    Ok(connection.query_row(sql, [], |_| Ok(())).optional()?.is_some())
}

pub(super) fn note(
    connection: &Connection,
    key: &MasterKey,
    names: &DataKey,
) -> Result<(), Failure> {
    let wrapped = key.wrap(names)?;
    connection.execute(
        "INSERT OR REPLACE INTO master_key (id, wrapped) VALUES ($1, $2)",
        params![key.id().0, wrapped],
    )?;
    Ok(())
}

/// Whether some of what stands there is sealed and some is not: only while it is being changed.
pub(super) fn is_between(connection: &Connection) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM counter WHERE name = 'resealing'";
    Ok(connection.query_row(sql, [], |_| Ok(())).optional()?.is_some())
}

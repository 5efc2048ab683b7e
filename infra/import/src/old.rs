//! The older adapter's database: the tables `User` (a location) and `Instance`, as text.
//!
//! Names of tables differ in case between its versions, and columns came and went. What a column
//! holds is read as text and judged in [`crate::plan`], so that one broken row hides no other.

use std::collections::HashMap;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, Row};
use secrecy::SecretString;

use crate::error::Error;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A location as it is in the table.
#[derive(Debug, Default)]
pub struct OldLocation {
    /// The location's id.
    pub id: Option<String>,
    /// The agency.
    pub company: Option<String>,
    /// The access token.
    pub access: Option<SecretString>,
    /// The refresh token.
    pub refresh: Option<SecretString>,
    /// When the access token ends, RFC 3339.
    pub expires: Option<String>,
}

/// An instance as it is in the table.
#[derive(Debug, Default)]
pub struct OldInstance {
    /// GREEN-API's id.
    pub id_instance: Option<String>,
    /// Its API token.
    pub token: Option<SecretString>,
    /// GREEN-API's word for its state.
    pub state: Option<String>,
    /// The location's id.
    pub location: Option<String>,
    /// JSON, the webhook's token among it.
    pub settings: Option<SecretString>,
    /// What people call it.
    pub name: Option<String>,
}

/// Everything that the older adapter knows.
#[derive(Debug, Default)]
pub struct Dump {
    /// By their ids.
    pub locations: Vec<OldLocation>,
    /// The oldest first.
    pub instances: Vec<OldInstance>,
}

/// Reads both tables as they are at one moment. The right to read is enough.
///
/// # Errors
/// The database's, or what is missing in it.
pub async fn read(opts: Opts) -> Result<Dump, Error> {
    let connected = tokio::time::timeout(CONNECT_WITHIN, Conn::new(opts)).await;
    let mut db = connected.map_err(|_| Error::NoAnswer)??;
    // Times without a zone are UTC there; others are told in the session's.
    db.query_drop("SET time_zone = '+00:00'").await?;
    db.query_drop("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .await?;
    db.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        .await?;
    let users = Table::find(&mut db, "User").await?;
    let instances = Table::find(&mut db, "Instance").await?;
    let dump = Dump {
        locations: users.locations(&mut db).await?,
        instances: instances.instances(&mut db).await?,
    };
    db.query_drop("COMMIT").await?;
    db.disconnect().await?;
    Ok(dump)
}

/// A table by its name as it is written there.
struct Table {
    name: String,
    /// The names of columns as they are written, by how they are compared.
    columns: HashMap<String, String>,
}

/// Case and underscores do not tell names apart.
fn compared(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl Table {
    async fn find(db: &mut Conn, wanted: &str) -> Result<Self, Error> {
        let names: Vec<String> = db
            .query(
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
            )
            .await?;
        let alike = |name: &&String| name.to_lowercase() == wanted.to_lowercase();
        // Where both are there, the one in lower case is what an early version left behind.
        let exact = names.iter().find(|name| *name == wanted);
        let Some(name) = exact.or_else(|| names.iter().find(alike)) else {
            return Err(Error::Schema(format!("it has no table {wanted}")));
        };
        let columns: Vec<String> = db
            .exec(
                "SELECT CAST(column_name AS CHAR) FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = ?",
                (name,),
            )
            .await?;
        let columns = columns.into_iter().map(|name| (compared(&name), name));
        Ok(Table {
            name: name.clone(),
            columns: columns.collect(),
        })
    }

    fn column(&self, wanted: &str) -> Result<String, Error> {
        self.optional(wanted)
            .ok_or_else(|| Error::Schema(format!("the table {} has no column {wanted}", self.name)))
    }

    fn optional(&self, wanted: &str) -> Option<String> {
        self.columns.get(&compared(wanted)).map(|name| quoted(name))
    }

    /// The rows, each with these columns as text, in the order of `by`.
    async fn rows(&self, db: &mut Conn, what: &[String], by: &str) -> Result<Vec<Row>, Error> {
        let what = what.join(", ");
        let query = format!("SELECT {what} FROM {} ORDER BY {by}", quoted(&self.name));
        Ok(db.query(query).await?)
    }

    async fn locations(&self, db: &mut Conn) -> Result<Vec<OldLocation>, Error> {
        let id = self.column("id")?;
        let what = [
            text(Some(&id)),
            text(self.optional("companyId").as_ref()),
            text(Some(&self.column("accessToken")?)),
            text(Some(&self.column("refreshToken")?)),
            time(self.optional("tokenExpiresAt").as_ref()),
        ];
        let rows = self.rows(db, &what, &id).await?.into_iter();
        Ok(rows
            .map(|mut row| OldLocation {
                id: take(&mut row, 0),
                company: take(&mut row, 1),
                access: take(&mut row, 2).map(SecretString::from),
                refresh: take(&mut row, 3).map(SecretString::from),
                expires: take(&mut row, 4),
            })
            .collect())
    }

    async fn instances(&self, db: &mut Conn) -> Result<Vec<OldInstance>, Error> {
        let id = self.column("id")?;
        let what = [
            text(Some(&self.column("idInstance")?)),
            text(Some(&self.column("apiTokenInstance")?)),
            text(self.optional("stateInstance").as_ref()),
            text(Some(&self.column("userId")?)),
            text(self.optional("settings").as_ref()),
            text(self.optional("name").as_ref()),
        ];
        let by = match self.optional("createdAt") {
            Some(created) => format!("{created}, {id}"),
            None => id,
        };
        let rows = self.rows(db, &what, &by).await?.into_iter();
        Ok(rows
            .map(|mut row| OldInstance {
                id_instance: take(&mut row, 0),
                token: take(&mut row, 1).map(SecretString::from),
                state: take(&mut row, 2),
                location: take(&mut row, 3),
                settings: take(&mut row, 4).map(SecretString::from),
                name: take(&mut row, 5),
            })
            .collect())
    }
}

fn text(column: Option<&String>) -> String {
    column.map_or("NULL".to_owned(), |column| {
        format!("CAST({column} AS CHAR)")
    })
}

fn time(column: Option<&String>) -> String {
    column.map_or("NULL".to_owned(), |column| {
        format!("CAST(DATE_FORMAT({column}, '%Y-%m-%dT%H:%i:%s.%fZ') AS CHAR)")
    })
}

/// A field as text; bytes that are none are replaced by a sign that nothing accepts.
fn take(row: &mut Row, at: usize) -> Option<String> {
    let bytes: Option<Vec<u8>> = row.take_opt(at)?.ok()?;
    Some(match String::from_utf8(bytes?) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

//! A MariaDB or MySQL server, in a folder of its own, on a socket: one for all tests that run at the
//! same time. Each has databases of its own in it, by their names.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use std::time::Duration;

use greenhub::clock::Clock;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// Where servers are beside the folders of `PATH`.
const SERVERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// How long a server may take until it answers.
const WITHIN: Duration = Duration::from_secs(60);

const MISSING: &str = "a MariaDB server is missing, which the import's tests are about; on Debian and \
                       Ubuntu: apt-get install --no-install-recommends mariadb-server";

/// The one that runs, as long as somebody has it.
static RUNNING: Mutex<Weak<MariaDb>> = Mutex::const_new(Weak::new());

pub(crate) struct MariaDb {
    dir: TempDir,
    server: Child,
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl MariaDb {
    /// The one that runs, or a new one. A missing server is a failure that says what to install, and
    /// never a skip.
    pub(crate) async fn start() -> Arc<Self> {
        let mut running = RUNNING.lock().await;
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start_one().await);
        *running = Arc::downgrade(&server);
        server
    }

    async fn start_one() -> Self {
        let server = ["mariadbd", "mysqld"].into_iter().find_map(program);
        let server = server.expect(MISSING);
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        let installed = match program("mariadb-install-db") {
            Some(install) => {
                let mut install = Command::new(install);
                install.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
                install.arg("--skip-test-db");
                install
            }
            None => {
                let mut install = Command::new(&server);
                install.args(["--no-defaults", "--initialize-insecure"]);
                install
            }
        }
        .arg(format!("--datadir={}", data.display()))
        .args(as_root())
        .output()
        .unwrap();
        let said = [installed.stdout, installed.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(installed.status.success(), "{said}");
        let server = Command::new(&server)
            .args(["--no-defaults", "--skip-networking", "--skip-log-bin"])
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", socket(&dir).display()))
            .arg(format!("--pid-file={}", dir.path().join("pid").display()))
            .args(as_root())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = MariaDb { dir, server };
        let clock = Clock::system();
        let until_ms = clock.now_ms() + WITHIN.as_millis() as i64;
        while let Err(error) = started.connect("root", None).await {
            assert!(clock.now_ms() < until_ms, "it does not answer: {error}");
            clock.sleep(Duration::from_millis(100)).await;
        }
        started
    }

    /// A database filled by these statements, and its address for somebody who may read it and
    /// nothing else.
    pub(crate) async fn filled(&self, name: &str, sql: &str) -> String {
        let mut root = self.connect("root", None).await.unwrap();
        let reader = format!(
            "CREATE DATABASE `{name}` CHARACTER SET utf8mb4; \
             CREATE USER IF NOT EXISTS 'reader'@'localhost' IDENTIFIED BY 'p@ss/word'; \
             GRANT SELECT ON `{name}`.* TO 'reader'@'localhost'; USE `{name}`;"
        );
        root.query_drop(reader).await.unwrap();
        root.query_drop(sql).await.unwrap();
        root.disconnect().await.unwrap();
        let socket = socket(&self.dir);
        let socket = socket.to_str().unwrap().replace('/', "%2F");
        format!("mysql://reader:p%40ss%2Fword@localhost/{name}?socket={socket}&connection_limit=5")
    }

    /// Runs statements in a database that was filled before.
    pub(crate) async fn change(&self, name: &str, sql: &str) {
        let mut root = self.connect("root", Some(name)).await.unwrap();
        root.query_drop(sql).await.unwrap();
        root.disconnect().await.unwrap();
    }

    async fn connect(&self, user: &str, database: Option<&str>) -> mysql_async::Result<Conn> {
        let opts = OptsBuilder::default()
            .socket(Some(socket(&self.dir).to_str().unwrap()))
            .user(Some(user))
            .db_name(database);
        Conn::new(opts).await
    }
}

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join("socket")
}

/// A server started by root has to be told that it may.
fn as_root() -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    let me = std::fs::metadata("/proc/self").map(|it| it.uid());
    me.is_ok_and(|uid| uid == 0).then_some("--user=root")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test looks for a program as a shell does"
)]
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SERVERS.map(PathBuf::from));
    folders
        .map(|folder| folder.join(name))
        .find(|path: &PathBuf| Path::is_file(path))
}

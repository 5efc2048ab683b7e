//! What every back-end of the files must do.

use std::time::Duration;

use aws_config::SdkConfig;
use bytes::Bytes;
use greenhub::media::fetch::FetchError;
use greenhub::media::memory::{MemoryStore, Stored};
use greenhub::media::s3::S3Store;
use greenhub::media::store::{About, FileStore, PutError, Source};

/// Pieces, and how they end.
struct Pieces(Vec<Result<Bytes, FetchError>>);

impl Pieces {
    fn of(n_pieces: usize, length: usize) -> Self {
        let piece = |n: usize| Ok(Bytes::from(vec![n as u8; length]));
        Pieces((0..n_pieces).map(piece).collect())
    }

    fn whole(&self) -> Vec<u8> {
        self.0.iter().flatten().flatten().copied().collect()
    }
}

impl Source for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.0.remove(0).map(Some)
    }
}

fn about(mime: &str) -> About {
    About {
        mime: mime.to_owned(),
        disposition: format!("inline; filename*=UTF-8''{}", mime.len()),
    }
}

/// Whoever has an address.
trait Browser: Send + Sync {
    /// What the address gives; `None` if there is nothing.
    fn open(&self, address: &str) -> impl Future<Output = Option<Stored>> + Send;
}

/// A store that may hold files of others, and who opens its addresses.
struct Case<S, B> {
    store: S,
    browser: B,
}

impl<S: FileStore, B: Browser> Case<S, B> {
    async fn at(&self, object: &str) -> Option<Stored> {
        let life = Duration::from_secs(60);
        let address = self.store.address(object, life).await.unwrap();
        self.browser.open(&address).await
    }

    async fn keeps(&self, object: &str, mime: &str, pieces: Pieces) {
        let whole = pieces.whole();
        let kept = self.store.put(object, &about(mime), pieces).await;
        assert_eq!(kept, Ok(whole.len() as u64), "{object}");
        let found = self.at(object).await.unwrap();
        assert_eq!(found.about, about(mime), "{object}");
        assert!(found.bytes == whole, "{object} has another content");
    }

    async fn check_all(&self) {
        let store = &self.store;
        self.keeps("files/n1/small", "image/png", Pieces::of(3, 100))
            .await;
        self.keeps("files/n1/empty", "text/plain", Pieces(vec![]))
            .await;
        // Of exactly one part, of several, and with a short one at the end.
        self.keeps("files/n1/part", "video/mp4", Pieces::of(8, 1 << 20))
            .await;
        self.keeps("files/n1/large", "video/mp4", Pieces::of(20, 1 << 20))
            .await;
        // A second copy takes the place of the first.
        self.keeps("files/n1/small", "image/jpeg", Pieces::of(1, 7))
            .await;
        self.keeps("files/n10/other", "image/png", Pieces::of(1, 9))
            .await;

        // Half a file is never there, however long it was.
        for (object, n_pieces) in [("files/n2/short", 1), ("files/n2/long", 12)] {
            let mut pieces = Pieces::of(n_pieces, 1 << 20);
            pieces.0.push(Err(FetchError::TooLarge));
            let put = store.put(object, &about("video/mp4"), pieces).await;
            assert_eq!(put, Err(PutError::Source(FetchError::TooLarge)));
            assert_eq!(self.at(object).await, None, "{object}");
        }

        assert_eq!(store.remove_all("files/n1/").await, Ok(4));
        assert_eq!(self.at("files/n1/large").await, None);
        let other = self.at("files/n10/other").await;
        assert!(other.is_some(), "another number's");
        assert_eq!(store.remove_all("files/n1/").await, Ok(0));
    }
}

impl Browser for MemoryStore {
    async fn open(&self, address: &str) -> Option<Stored> {
        self.at(address)
    }
}

impl Browser for reqwest::Client {
    async fn open(&self, address: &str) -> Option<Stored> {
        let answer = self.get(address).send().await.unwrap();
        if answer.status() == 404 {
            return None;
        }
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let about = About {
            mime: header("content-type"),
            disposition: header("content-disposition"),
        };
        let bytes = answer.bytes().await.unwrap();
        Some(Stored { about, bytes })
    }
}

/// Everything, in memory.
pub(crate) async fn check_memory() {
    let store = MemoryStore::default();
    let browser = store.clone();
    Case { store, browser }.check_all().await;
}

/// Everything, in a bucket.
pub(crate) async fn check_bucket(aws: SdkConfig, bucket: String) {
    let store = S3Store::new(&aws, bucket);
    let browser = greenhub::http::client(Duration::from_secs(30)).unwrap();
    check_an_upload(&store, &browser).await;
    Case { store, browser }.check_all().await;
}

/// A browser puts a file there itself, as it was announced, and gets it again.
async fn check_an_upload(store: &S3Store, browser: &reqwest::Client) {
    let life = Duration::from_secs(60);
    let object = "files/n9/upload";
    let to = store
        .upload_address(object, "image/png", 3, life)
        .await
        .unwrap();
    // Whoever has the address can neither put more there nor anything else.
    let signed = to
        .split('&')
        .find(|it| it.starts_with("X-Amz-SignedHeaders="))
        .unwrap();
    for header in ["content-length", "content-type"] {
        assert!(signed.contains(header), "{signed}");
    }
    let put = browser
        .put(&to)
        .header("content-type", "image/png")
        .body("abc");
    assert_eq!(put.send().await.unwrap().status(), 200);
    let how = "attachment; filename=\"a.png\"";
    let from = store.download_address(object, how, life).await.unwrap();
    let got = browser.get(&from).send().await.unwrap();
    assert_eq!(got.headers()["content-disposition"], how);
    assert_eq!(got.headers()["content-type"], "image/png");
    assert_eq!(got.bytes().await.unwrap(), "abc");
    assert_eq!(store.remove_all("files/n9/").await, Ok(1));
}

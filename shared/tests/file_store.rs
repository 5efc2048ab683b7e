//! One suite for the files in memory and the files in S3: they must answer alike.
//!
//! S3 is asked if `GREENHUB_TEST_AWS` names an endpoint that plays AWS.

#![expect(clippy::unwrap_used, reason = "a test may break")]

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use bytes::Bytes;
use greenhub::clock::Clock;
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

/// Everything, on a store that may hold files of others.
async fn check_store<S: FileStore>(store: &S, fetch: impl AsyncFn(&str) -> Option<Stored>) {
    let life = Duration::from_secs(60);
    let at = async |object: &str| {
        let address = store.address(object, life).await.unwrap();
        fetch(&address).await
    };
    let check = async |object: &str, mime: &str, pieces: Pieces| {
        let whole = pieces.whole();
        let n_bytes = store.put(object, &about(mime), pieces).await.unwrap();
        assert_eq!(n_bytes, whole.len() as u64, "{object}");
        let found = at(object).await.unwrap();
        assert_eq!(found.about, about(mime), "{object}");
        assert!(found.bytes == whole, "{object} has another content");
    };
    check("files/n1/small", "image/png", Pieces::of(3, 100)).await;
    check("files/n1/empty", "text/plain", Pieces(vec![])).await;
    // Of exactly one part, of several, and with a short one at the end.
    check("files/n1/part", "video/mp4", Pieces::of(8, 1 << 20)).await;
    check("files/n1/large", "video/mp4", Pieces::of(20, 1 << 20)).await;
    // A second copy takes the place of the first.
    check("files/n1/small", "image/jpeg", Pieces::of(1, 7)).await;
    check("files/n10/other", "image/png", Pieces::of(1, 9)).await;

    // Half a file is never there, however long it was.
    for (object, n_pieces) in [("files/n2/short", 1), ("files/n2/long", 12)] {
        let mut pieces = Pieces::of(n_pieces, 1 << 20);
        pieces.0.push(Err(FetchError::TooLarge));
        let put = store.put(object, &about("video/mp4"), pieces).await;
        assert_eq!(put, Err(PutError::Source(FetchError::TooLarge)));
        assert_eq!(at(object).await, None, "{object}");
    }

    assert_eq!(store.remove_all("files/n1/").await, Ok(4));
    assert_eq!(at("files/n1/large").await, None);
    assert!(at("files/n10/other").await.is_some(), "another number's");
    assert_eq!(store.remove_all("files/n1/").await, Ok(0));
}

#[tokio::test]
async fn memory() {
    let store = MemoryStore::default();
    check_store(&store, async |address| store.at(address)).await;
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told of the emulator by its environment"
)]
async fn s3() {
    let Ok(endpoint) = std::env::var("GREENHUB_TEST_AWS") else {
        return;
    };
    let credentials = Credentials::new("test", "test", None, None, "test");
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build();
    let bucket = format!("files-{}", Clock::system().now_ms());
    let config = aws_sdk_s3::config::Builder::from(&aws)
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    client.create_bucket().bucket(&bucket).send().await.unwrap();
    let http = greenhub::http::client(Duration::from_secs(30)).unwrap();
    let store = S3Store::new(&aws, bucket);
    check_store(&store, async |address| {
        let answer = http.get(address).send().await.unwrap();
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
    })
    .await;
}

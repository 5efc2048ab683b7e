//! Files in S3.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use bytes::{Bytes, BytesMut};

use super::store::{About, FileStore, PutError, Source, StoreError};
use crate::error::aws_words;

/// How much of a file is in memory at once. S3 takes no smaller parts than 5 MB.
const PART_BYTES: usize = 8 << 20;

/// One part, with a bad connection.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many files one call removes at most.
const REMOVE_AT_ONCE: i32 = 1000;

/// A bucket.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
}

impl S3Store {
    /// The bucket of this name.
    pub fn new(aws: &SdkConfig, bucket: String) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(TIMEOUT)
            .operation_timeout(TIMEOUT * 2)
            .build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            // An emulator has no name for each bucket.
            .force_path_style(aws.endpoint_url().is_some())
            // TLS and the signature cover the content.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        S3Store {
            client: Client::from_conf(config),
            bucket,
        }
    }

    async fn put_parts(
        &self,
        object: &str,
        upload: &str,
        first: Bytes,
        source: &mut impl Source,
    ) -> Result<(Vec<CompletedPart>, u64), PutError> {
        let mut parts = Vec::new();
        let mut n_bytes = 0;
        let mut part = first;
        while !part.is_empty() {
            n_bytes += part.len() as u64;
            let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
            let sent = self
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(object)
                .upload_id(upload)
                .part_number(number)
                .body(ByteStream::from(part))
                .send()
                .await
                .map_err(|error| refused("take a part of a file", &error))?;
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(sent.e_tag)
                    .build(),
            );
            part = gather(source).await?;
        }
        Ok((parts, n_bytes))
    }
}

impl FileStore for S3Store {
    async fn put(
        &self,
        object: &str,
        about: &About,
        mut source: impl Source,
    ) -> Result<u64, PutError> {
        let first = gather(&mut source).await?;
        if first.len() < PART_BYTES {
            let n_bytes = first.len() as u64;
            self.client
                .put_object()
                .bucket(&self.bucket)
                .key(object)
                .content_type(&about.mime)
                .content_disposition(&about.disposition)
                .body(ByteStream::from(first))
                .send()
                .await
                .map_err(|error| refused("take a file", &error))?;
            return Ok(n_bytes);
        }
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(object)
            .content_type(&about.mime)
            .content_disposition(&about.disposition)
            .send()
            .await
            .map_err(|error| refused("begin a file", &error))?;
        let upload = begun.upload_id.unwrap_or_default();
        let (parts, n_bytes) = match self.put_parts(object, &upload, first, &mut source).await {
            Ok(sent) => sent,
            Err(error) => {
                let aborted = self
                    .client
                    .abort_multipart_upload()
                    .bucket(&self.bucket)
                    .key(object)
                    .upload_id(&upload)
                    .send()
                    .await;
                if let Err(error) = aborted {
                    // The bucket's own rule clears it away.
                    tracing::warn!(why = aws_words(&error), "half a file is left for two days");
                }
                return Err(error);
            }
        };
        let whole = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        self.client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(object)
            .upload_id(upload)
            .multipart_upload(whole)
            .send()
            .await
            .map_err(|error| refused("finish a file", &error))?;
        Ok(n_bytes)
    }

    async fn address(&self, object: &str, life: Duration) -> Result<String, StoreError> {
        let signed = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(object)
            .presigned(for_long(life)?)
            .await
            .map_err(|error| not_signed(aws_words(&error)))?;
        Ok(signed.uri().to_owned())
    }

    async fn upload_address(
        &self,
        object: &str,
        mime: &str,
        n_bytes: u64,
        life: Duration,
    ) -> Result<String, StoreError> {
        let signed = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(object)
            .content_type(mime)
            // Signed along: whoever has the address cannot put more there.
            .content_length(i64::try_from(n_bytes).unwrap_or(i64::MAX))
            .presigned(for_long(life)?)
            .await
            .map_err(|error| not_signed(aws_words(&error)))?;
        Ok(signed.uri().to_owned())
    }

    async fn download_address(
        &self,
        object: &str,
        disposition: &str,
        life: Duration,
    ) -> Result<String, StoreError> {
        let signed = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(object)
            .response_content_disposition(disposition)
            .presigned(for_long(life)?)
            .await
            .map_err(|error| not_signed(aws_words(&error)))?;
        Ok(signed.uri().to_owned())
    }

    async fn read(&self, object: &str) -> Result<Bytes, StoreError> {
        let found = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(object)
            .send()
            .await
            .map_err(|error| refused("give a file", &error))?;
        let whole = found.body.collect().await.map_err(|error| StoreError {
            what: "give a whole file",
            why: error.to_string(),
        })?;
        Ok(whole.into_bytes())
    }

    async fn remove_all(&self, prefix: &str) -> Result<usize, StoreError> {
        let mut n_removed = 0;
        loop {
            // Always the first page: what was on it is gone by the next time.
            let listed = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(prefix)
                .max_keys(REMOVE_AT_ONCE)
                .send()
                .await
                .map_err(|error| refused("list files", &error))?;
            let keys: Vec<_> = listed
                .contents
                .unwrap_or_default()
                .into_iter()
                .filter_map(|file| file.key)
                .filter_map(|key| ObjectIdentifier::builder().key(key).build().ok())
                .collect();
            if keys.is_empty() {
                return Ok(n_removed);
            }
            let n_keys = keys.len();
            let all = Delete::builder()
                .set_objects(Some(keys))
                .quiet(true)
                .build()
                .map_err(|error| StoreError {
                    what: "remove files",
                    why: error.to_string(),
                })?;
            let removed = self
                .client
                .delete_objects()
                .bucket(&self.bucket)
                .delete(all)
                .send()
                .await
                .map_err(|error| refused("remove files", &error))?;
            if let Some(error) = removed.errors().first() {
                return Err(StoreError {
                    what: "remove files",
                    why: error.code().unwrap_or_default().to_owned(),
                });
            }
            n_removed += n_keys;
        }
    }
}

fn for_long(life: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(life).map_err(|error| not_signed(error.to_string()))
}

fn not_signed(why: String) -> StoreError {
    StoreError {
        what: "sign an address",
        why,
    }
}

/// The next part: whole, unless it is the last one.
async fn gather(source: &mut impl Source) -> Result<Bytes, PutError> {
    let mut part = BytesMut::new();
    // A chunk of the network is kilobytes, so a part can be a little longer.
    while part.len() < PART_BYTES {
        match source.chunk().await? {
            Some(chunk) => part.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(part.freeze())
}

fn refused<E: aws_sdk_s3::error::ProvideErrorMetadata, R>(
    what: &'static str,
    error: &aws_sdk_s3::error::SdkError<E, R>,
) -> StoreError
where
    aws_sdk_s3::error::SdkError<E, R>: std::error::Error,
{
    StoreError {
        what,
        why: aws_words(error),
    }
}

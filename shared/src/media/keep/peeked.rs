//! A file whose beginning has been looked at.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;

use super::{Bytes, Download, FetchError, Source, sniff};

/// A download, begun.
#[derive(Debug)]
pub(super) struct Peeked {
    /// What was read already.
    pub(super) head: Bytes,
    /// The rest of it.
    pub(super) rest: Download,
}

impl Peeked {
    /// Reads as much as it takes to see what it is.
    pub(super) async fn new(mut rest: Download) -> Result<Self, FetchError> {
        let mut head = BytesMut::new();
        while head.len() < sniff::HEAD_BYTES {
            match rest.chunk().await? {
                Some(chunk) => head.extend_from_slice(&chunk),
                None => break,
            }
        }
        Ok(Peeked {
            head: head.freeze(),
            rest,
        })
    }

    /// As the body of a request. What breaks it off is told besides: the request's own error would
    /// blame the other side.
    pub(super) fn into_body(self) -> (reqwest::Body, Ended) {
        let ended = Ended::default();
        let told = ended.clone();
        let pieces = futures::stream::try_unfold(self, move |mut peeked| {
            let told = told.clone();
            async move {
                match peeked.chunk().await {
                    Ok(chunk) => Ok(chunk.map(|chunk| (chunk, peeked))),
                    Err(error) => {
                        told.set(error.clone());
                        Err(error)
                    }
                }
            }
        });
        (reqwest::Body::wrap_stream(pieces), ended)
    }
}

impl Source for Peeked {
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        if self.head.is_empty() {
            return self.rest.chunk().await;
        }
        Ok(Some(std::mem::take(&mut self.head)))
    }
}

/// What broke a body off, if anything did.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended(Arc<Mutex<Option<FetchError>>>);

impl Ended {
    pub(super) fn get(&self) -> Option<FetchError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, error: FetchError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

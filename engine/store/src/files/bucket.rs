//! Objects in a bucket that speaks S3.

use super::{Files, checked, is_hash, whole};
use crate::{Result, StoreError};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, RetryConfig};
use std::sync::Arc;
use std::time::Duration;

/// A request is asked again so often, for so long: somebody waits for the commit.
const RETRIES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Bucket {
    store: AmazonS3,
    /// What the names of our objects begin with.
    prefix: Path,
    shown: String,
}

fn unavailable(e: Error) -> StoreError {
    StoreError::Unavailable(format!("the bucket: {e}"))
}

impl Bucket {
    /// By `s3://BUCKET/PREFIX`. Who we are, the region and the address come from the environment (`AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP`).
    pub fn open(url: &str) -> Result<Self> {
        Self::build(AmazonS3Builder::from_env(), url)
    }

    fn build(builder: AmazonS3Builder, url: &str) -> Result<Self> {
        let wrong = || StoreError::Unavailable(format!("`{url}` names no bucket, as in s3://BUCKET/PREFIX"));
        let rest = url.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong());
        }
        // One that is there already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let store = builder.with_bucket_name(bucket).with_retry(retry).build().map_err(unavailable)?;
        let prefix = Path::parse(prefix.trim_matches('/')).map_err(|_| wrong())?;
        Ok(Self { store, prefix, shown: url.to_owned() })
    }

    fn path(&self, hash: &str) -> Path {
        self.prefix.clone().join(hash)
    }
}

#[async_trait]
impl Files for Bucket {
    async fn put(&self, hash: &str, bytes: Arc<Vec<u8>>) -> Result<()> {
        checked(hash)?;
        self.store.put(&self.path(hash), Arc::unwrap_or_clone(bytes).into()).await.map(|_| ()).map_err(unavailable)
    }

    async fn get(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        if !is_hash(hash) {
            return Ok(None);
        }
        let found = match self.store.get(&self.path(hash)).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(unavailable)?,
        };
        let bytes = found.bytes().await.map_err(unavailable)?;
        whole(hash, bytes.into(), &format!("{hash} in {}", self.shown)).map(Some)
    }

    async fn forget(&self, hash: &str) -> Result<()> {
        checked(hash)?;
        match self.store.delete(&self.path(hash)).await {
            Err(Error::NotFound { .. }) => Ok(()),
            done => done.map_err(unavailable),
        }
    }

    async fn list(&self) -> Result<Vec<String>> {
        let objects = self.store.list(Some(&self.prefix));
        let names = objects.map_ok(|o| o.location.filename().unwrap_or_default().to_owned());
        let mut all: Vec<String> = names.try_filter(|name| std::future::ready(is_hash(name))).try_collect().await.map_err(unavailable)?;
        all.sort_unstable();
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Bytes;
    use axum::http::{Method, StatusCode, Uri};
    use axum::response::{IntoResponse, Response};
    use sha2::{Digest, Sha256};
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use vorgang_core::chain::hex;

    /// Objects by their path; `None` while the bucket is out of order.
    type Objects = Arc<Mutex<Option<BTreeMap<String, Bytes>>>>;

    fn answer(objects: &Objects, method: &Method, uri: &Uri, body: Bytes) -> Response {
        let mut objects = objects.lock().expect("the objects");
        let Some(objects) = objects.as_mut() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
        let path = uri.path().to_owned();
        if *method == Method::PUT {
            objects.insert(path, body);
            return [("ETag", "\"1\"")].into_response();
        }
        if uri.query().is_some_and(|q| q.contains("list-type=2")) {
            let object = |(path, bytes): (&String, &Bytes)| {
                let key = path.trim_start_matches("/desk/");
                let len = bytes.len();
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>1</ETag><Size>{len}</Size></Contents>"
                )
            };
            let all: String = objects.iter().map(object).collect();
            return format!("<ListBucketResult><IsTruncated>false</IsTruncated>{all}</ListBucketResult>").into_response();
        }
        let headers = [("ETag", "\"1\""), ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")];
        match objects.get(&path) {
            Some(bytes) => (headers, bytes.clone()).into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        }
    }

    async fn bucket(objects: &Objects) -> Bucket {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let objects = objects.clone();
        let app = Router::new().fallback(async move |method: Method, uri: Uri, body: Bytes| answer(&objects, &method, &uri, body));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let builder = AmazonS3Builder::new().with_endpoint(format!("http://{address}")).with_allow_http(true).with_region("here");
        Bucket::build(builder.with_access_key_id("me").with_secret_access_key("secret"), "s3://desk/attachments").expect("a bucket")
    }

    #[tokio::test]
    async fn an_object_comes_back_or_says_that_it_was_changed() {
        let objects: Objects = Arc::new(Mutex::new(Some(BTreeMap::new())));
        let bucket = bucket(&objects).await;
        let bytes = vec![7; 100_000];
        let hash = hex(&Sha256::digest(&bytes));
        assert_eq!(bucket.get(&hash).await, Ok(None));
        bucket.put(&hash, bytes.clone().into()).await.expect("it is written");
        assert_eq!(bucket.get(&hash).await, Ok(Some(bytes.clone())));
        assert_eq!(bucket.list().await, Ok(vec![hash.clone()]));
        assert_eq!(bucket.get("../../secret").await, Ok(None));
        objects.lock().expect("the objects").as_mut().expect("in order").values_mut().for_each(|b| *b = Bytes::from_static(b"other"));
        assert!(matches!(bucket.get(&hash).await, Err(StoreError::Corrupt(_))));
        *objects.lock().expect("the objects") = None;
        assert!(matches!(bucket.put(&hash, bytes.into()).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(bucket.get(&hash).await, Err(StoreError::Unavailable(_))));
    }

    #[test]
    fn a_url_names_a_bucket() {
        for url in ["desk", "s3://", "s3:///attachments", "http://desk/x"] {
            assert!(Bucket::build(AmazonS3Builder::new(), url).is_err_and(|e| e.to_string().contains("names no bucket")), "{url}");
        }
    }
}

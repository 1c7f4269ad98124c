//! The address of a request before axum's `nest` removes a prefix.

use http::{Extensions, Uri};

/// Returns the address that the client requested. `uri` is the address of the request at this
/// layer.
#[cfg(feature = "axum")]
pub(crate) fn original_uri<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    extensions.get::<axum::extract::OriginalUri>().map_or(uri, |original| &original.0)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri<'a>(_: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    uri
}

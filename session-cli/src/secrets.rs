//! Reading keys, addresses and cookies, which must not be arguments.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use session_core::config::SecretKey;

use crate::arguments::{Decode, KeyOptions, StoreOptions};
use crate::failure::Failure;

/// The largest accepted input. Browsers send at most a few kilobytes.
const MAX_COOKIE: u64 = 1 << 20;

pub(crate) fn key(options: &KeyOptions) -> Result<SecretKey, Failure> {
    let bytes = match &options.key_file {
        Some(path) => text(path)?,
        None => std::env::var(&options.key_env).map_err(|_| {
            Failure::usage(format!(
                "the environment variable {} has no secret key; set it, or use --key-file",
                options.key_env
            ))
        })?,
    };
    // A cookie that was signed with a weak key must be readable.
    Ok(SecretKey::with_any_length(bytes.trim_end_matches(['\r', '\n']))?)
}

pub(crate) fn address(options: &StoreOptions) -> Result<String, Failure> {
    let address = match &options.store_file {
        Some(path) => text(path)?,
        None => std::env::var(&options.store_env).map_err(|_| {
            Failure::usage(format!(
                "the environment variable {} has no address of a store; set it, or use {}",
                options.store_env, options.file_option
            ))
        })?,
    };
    Ok(address.trim().to_owned())
}

/// Returns the value of the cookie.
pub(crate) fn cookie(options: &Decode) -> Result<String, Failure> {
    let input = if let Some(path) = &options.cookie_file {
        text(path)?
    } else {
        let mut input = String::new();
        std::io::stdin().take(MAX_COOKIE).read_to_string(&mut input).map_err(|error| {
            Failure::usage(format!("cannot read the cookie from standard input: {error}"))
        })?;
        input
    };
    let value = value_in(input.trim(), &options.cookie_name);
    if value.is_empty() {
        return Err(Failure::usage("the cookie is empty; pass it on standard input"));
    }
    Ok(value.to_owned())
}

/// Returns the value of the cookie in a header with cookies, or the input if it contains no cookie
/// of this name.
fn value_in<'a>(input: &'a str, name: &str) -> &'a str {
    let header = input.strip_prefix("Cookie:").unwrap_or(input);
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map_or(input, |(_, value)| value)
}

fn text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::value_in;

    #[test]
    fn cookie_is_found_in_header_or_is_whole_input() {
        for input in ["abc", "session=abc", "a=b; session=abc; c=d", "Cookie: session=abc"] {
            assert_eq!(value_in(input, "session"), "abc", "{input}");
        }
    }
}

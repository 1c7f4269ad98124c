//! Random bytes from the operating system.

use crate::{Error, ErrorKind};

pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = "cannot read random bytes from the operating system";
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    })?;
    Ok(bytes)
}

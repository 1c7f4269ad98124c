//! A small shop that shows what a session does.

fn main() {}

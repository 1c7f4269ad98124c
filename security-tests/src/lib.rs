//! Tests of published classes of vulnerabilities in session libraries. The test `security` has
//! them, and the matrix of classes, backends and adapters.

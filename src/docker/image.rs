//! images
/// v
pub(super) const ENGINE_VERSION: &str = "28.5.2";

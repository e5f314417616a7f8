//! The daemon's settings.
//!
//! Supported: `--icc`, `--userland-proxy`. Not supported: every other flag of dockerd; it is refused
//! by name.

/// The daemon's settings that matter to networking (`dockerd` flags, daemon.json).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonConfig {
    /// `--icc`: containers on the default bridge may talk to one another.
    pub icc: bool,
    /// `--userland-proxy`.
    pub userland_proxy: bool,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self { icc: true, userland_proxy: true }
    }
}

impl DaemonConfig {
    /// Reads dockerd's command line: `--icc=false --userland-proxy=false`.
    ///
    /// # Errors
    /// Names the flag that is not known here.
    pub fn from_flags(flags: &str) -> Result<Self, String> {
        let mut config = Self::default();
        for flag in flags.split_whitespace() {
            let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
            let on = match value {
                "true" | "1" => true,
                "false" | "0" => false,
                other => return Err(format!("invalid argument \"{other}\" for \"{name}\" flag")),
            };
            match name {
                "--icc" => config.icc = on,
                "--userland-proxy" => config.userland_proxy = on,
                _ => return Err(format!("unknown flag: {name}")),
            }
        }
        Ok(config)
    }
}

//! Address translation: which address, which port, and the rewriting of packets.

/// Which half of the flow was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatKind {
    /// The source (SNAT, MASQUERADE), at POSTROUTING or INPUT.
    Source,
    /// The destination (DNAT, REDIRECT), at PREROUTING or OUTPUT.
    Destination,
}

/// How a source port is chosen when the source is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PortChoice {
    /// Linux's: keep it if the tuple stays unique, otherwise another (nf_nat_core.c).
    #[default]
    Keep,
    /// `--random-fully`: always a random one, as many consumer routers do.
    Random,
}

//! iptables-save syntax.

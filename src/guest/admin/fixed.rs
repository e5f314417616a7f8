//! Settings of the kernel that can be read and have one value here: that of a default kernel, which is what
//! the stack does.

/// By name.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("net.core.rmem_max", "212992"),
    ("net.core.wmem_max", "212992"),
    ("net.ipv4.icmp_echo_ignore_broadcasts", "1"),
    ("net.ipv4.ip_no_pmtu_disc", "0"),
    ("net.ipv4.ip_nonlocal_bind", "0"),
    ("net.ipv4.tcp_fin_timeout", "60"),
    ("net.ipv4.tcp_syn_retries", "6"),
    ("net.ipv4.tcp_synack_retries", "5"),
    ("net.netfilter.nf_conntrack_generic_timeout", "600"),
    ("net.netfilter.nf_conntrack_icmp_timeout", "30"),
    ("net.netfilter.nf_conntrack_tcp_timeout_close", "10"),
    ("net.netfilter.nf_conntrack_tcp_timeout_close_wait", "60"),
    ("net.netfilter.nf_conntrack_tcp_timeout_established", "432000"),
    ("net.netfilter.nf_conntrack_tcp_timeout_fin_wait", "120"),
    ("net.netfilter.nf_conntrack_tcp_timeout_last_ack", "30"),
    ("net.netfilter.nf_conntrack_tcp_timeout_syn_recv", "60"),
    ("net.netfilter.nf_conntrack_tcp_timeout_syn_sent", "120"),
    ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "120"),
    ("net.netfilter.nf_conntrack_udp_timeout", "30"),
    ("net.netfilter.nf_conntrack_udp_timeout_stream", "120"),
];

/// Of each interface, of `all` and of `default`: name and value (net/ipv4/devinet.c, devinet_sysctl).
pub(super) const OF_DEVICE: &[(&str, &str)] = &[
    ("accept_local", "0"),
    ("accept_redirects", "1"),
    ("accept_source_route", "0"),
    ("arp_accept", "0"),
    ("arp_announce", "0"),
    ("arp_evict_nocarrier", "1"),
    ("arp_filter", "0"),
    ("arp_notify", "0"),
    ("bc_forwarding", "0"),
    ("bootp_relay", "0"),
    ("disable_policy", "0"),
    ("disable_xfrm", "0"),
    ("drop_gratuitous_arp", "0"),
    ("drop_unicast_in_l2_multicast", "0"),
    ("force_igmp_version", "0"),
    ("igmpv2_unsolicited_report_interval", "10000"),
    ("igmpv3_unsolicited_report_interval", "1000"),
    ("ignore_routes_with_linkdown", "0"),
    ("log_martians", "0"),
    ("mc_forwarding", "0"),
    ("medium_id", "0"),
    ("promote_secondaries", "0"),
    ("proxy_arp_pvlan", "0"),
    ("secure_redirects", "1"),
    ("send_redirects", "1"),
    ("shared_media", "1"),
    ("src_valid_mark", "0"),
    ("tag", "0"),
];

/// Why they cannot be set.
pub(super) const REFUSED: &str = "Operation not supported (netpier keeps this one as it is)";

pub(super) fn find(list: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    list.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
}

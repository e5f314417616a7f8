//! Which lesson or clinic case teaches a cause. Data: a cause's key, and the id in `lessons/`.

/// By key, in the order of [`super::Cause`].
const TAUGHT: &[(&str, &str)] = &[
    // links and addresses
    ("no_link", "plug-in"),
    ("device_down", "clinic-no-link"),
    ("no_address", "plug-in"),
    ("no_network", "none-and-shared"),
    ("no_gateway", "clinic-no-gateway"),
    ("wrong_gateway", "clinic-wrong-gateway"),
    ("wrong_subnet", "clinic-wrong-subnet"),
    ("duplicate_address", "clinic-duplicate-address"),
    ("no_neighbour", "neighbours"),
    ("lossy", "plug-in"),
    ("storm", "plug-in"),
    // routes
    ("no_route", "clinic-no-gateway"),
    ("private_on_internet", "public-and-private"),
    ("ttl", "clinic-ttl"),
    ("forwarding_off", "clinic-ip-forward"),
    ("masquerade_off", "two-doormen"),
    ("nat_off", "nat-table"),
    ("reply_elsewhere", "outbound-and-inbound"),
    ("mtu", "overlay"),
    // routers and firewalls
    ("router_closed", "nobody-can-come-in"),
    ("router_closed_outer", "clinic-two-routers"),
    ("forward_stale", "clinic-stale-forward"),
    ("hairpin_off", "calling-your-own-address"),
    ("firewall", "clinic-host-firewall"),
    ("firewall_policy", "clinic-host-firewall"),
    ("forward_policy", "what-docker-wrote"),
    ("docker_user", "what-docker-wrote"),
    // Docker networks
    ("other_bridge", "two-islands"),
    ("internal", "clinic-internal"),
    ("icc_off", "clinic-icc"),
    ("direct_access", "clinic-direct-access"),
    ("other_host", "overlay"),
    ("macvlan_host", "macvlan"),
    ("overlap", "clinic-overlap"),
    ("subnet_taken", "a-second-bridge"),
    ("no_swarm", "overlay"),
    ("overlay_no_peer", "overlay"),
    // ports
    ("published_locally", "clinic-published-to-localhost"),
    ("not_published", "publish-a-port"),
    ("published_elsewhere", "the-wrong-door"),
    ("wrong_container_port", "the-wrong-door"),
    ("ports_swapped", "clinic-swapped"),
    ("host_port_inside", "clinic-host-port-inside"),
    ("app_on_loopback", "clinic-app-on-loopback"),
    ("nothing_listens", "clinic-nothing-listens"),
    ("other_port_listens", "the-wrong-door"),
    ("app_exited", "clinic-app-exited"),
    ("not_started", "clinic-not-started"),
    ("port_taken", "clinic-port-allocated"),
    ("port_taken_somehow", "host-network"),
    ("localhost", "clinic-localhost"),
    ("localhost_nobody", "clinic-localhost"),
    ("no_answer", "outbound-and-inbound"),
    // names
    ("host_name_missing", "clinic-host-docker-internal"),
    ("no_names_on_bridge", "names-for-containers"),
    ("name_elsewhere", "clinic-name-elsewhere"),
    ("name_on_host", "names-for-containers"),
    ("name_unknown", "clinic-nxdomain"),
    ("search_domain", "the-private-phone-book"),
    ("no_name_server", "a-name-becomes-an-address"),
    ("name_server_dead", "clinic-dead-dns"),
];

/// The lesson of a cause by the cause's key. None for what is no matter of networks (a program that an image lacks,
/// a command that was refused in its own words), and for a drop that names only itself.
pub fn lesson_of(key: &str) -> Option<&'static str> {
    TAUGHT.iter().find(|(k, _)| *k == key).map(|(_, lesson)| *lesson)
}

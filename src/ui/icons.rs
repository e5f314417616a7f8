//! Drawn icons, all on a 24-unit square, in the colour of the text around them.

use yew::prelude::*;

/// An icon by name.
pub fn icon(name: &'static str) -> Html {
    let body = match name {
        "logo" => {
            html! { <><circle cx="12" cy="4.6" r="2.1"/><path d="M12 6.8V21M5 13.500c0 4.6 3 7.5 7 7.500s7-2.900 7-7.500M8.500 10h7"/></> }
        }
        "book" => {
            html! { <path d="M12 6.500C10 5 7 4.500 4 5v13.500c3-.5 6 0 8 1.500 2-1.500 5-2 8-1.500V5c-3-.5-6 0-8 1.500zM12 6.500V20"/> }
        }
        "share" => {
            html! { <><circle cx="6" cy="12" r="2.500"/><circle cx="17.500" cy="5.500" r="2.500"/><circle cx="17.500" cy="18.500" r="2.500"/><path d="m8.200 10.800 7-4M8.200 13.200l7 4"/></> }
        }
        "undo" => html! { <path d="M8.500 5 4.500 9l4 4M4.500 9h9a5.500 5.500 0 0 1 0 11H9"/> },
        "redo" => html! { <path d="m15.500 5 4 4-4 4M19.500 9h-9a5.500 5.500 0 0 0 0 11H15"/> },
        "sun" => {
            html! { <><circle cx="12" cy="12" r="4"/><path d="M12 3v1.800M12 19.200V21M3 12h1.800M19.200 12H21M5.600 5.600l1.300 1.300M17.100 17.100l1.300 1.300M18.400 5.600l-1.300 1.300M6.900 17.100l-1.300 1.300"/></> }
        }
        "moon" => html! { <path d="M19.500 14.200A8 8 0 0 1 9.800 4.500a8 8 0 1 0 9.700 9.700z"/> },
        "help" => {
            html! { <><circle cx="12" cy="12" r="9"/><path d="M9.500 9.300a2.500 2.500 0 1 1 3.700 2.200c-.8.4-1.200 1-1.200 2M12 16.800v.1"/></> }
        }
        "play" => {
            html! { <path class="fill" d="M8 5.200v13.600a.7.7 0 0 0 1.100.6l10-6.800a.7.7 0 0 0 0-1.200l-10-6.800A.7.7 0 0 0 8 5.200z"/> }
        }
        "pause" => html! { <path class="fill" d="M7.500 5h2.600v14H7.500zM13.900 5h2.600v14h-2.600z"/> },
        "start" => {
            html! { <><path class="fill" d="M18 6.200v11.600a.6.6 0 0 1-1 .5l-7.700-5.800a.6.6 0 0 1 0-1L17 5.700a.6.6 0 0 1 1 .5z"/><path d="M6.500 6v12"/></> }
        }
        "end" => {
            html! { <><path class="fill" d="M6 6.200v11.600a.6.6 0 0 0 1 .5l7.700-5.800a.6.6 0 0 0 0-1L7 5.700a.6.6 0 0 0-1 .5z"/><path d="M17.500 6v12"/></> }
        }
        "back" => html! { <path d="m14 6-6 6 6 6"/> },
        "step" => html! { <path d="m10 6 6 6-6 6"/> },
        "up" => html! { <path d="M12 19V5.500M6 11l6-6 6 6"/> },
        "down" => html! { <path d="M12 5v13.500M6 13l6 6 6-6"/> },
        "firewall" => {
            html! { <path d="M3 6c3 3 6-3 9 0s6-3 9 0M3 12c3 3 6-3 9 0s6-3 9 0M3 18c3 3 6-3 9 0s6-3 9 0"/> }
        }
        "plus" => html! { <path d="M12 5v14M5 12h14"/> },
        "minus" => html! { <path d="M5 12h14"/> },
        "fit" => {
            html! { <path d="M4 9V5.500A1.500 1.500 0 0 1 5.500 4H9M15 4h3.500A1.500 1.500 0 0 1 20 5.500V9M20 15v3.500a1.500 1.500 0 0 1-1.500 1.500H15M9 20H5.500A1.500 1.500 0 0 1 4 18.500V15"/> }
        }
        "trash" => {
            html! { <path d="M5 7h14M9.500 7V4.500h5V7M7 7l.8 12.500h8.400L17 7M10.500 10.500v6M13.500 10.500v6"/> }
        }
        "terminal" => html! { <path d="m6 8 4 4-4 4M12.500 16.500H18"/> },
        "close" => html! { <path d="m6.500 6.500 11 11M17.500 6.500l-11 11"/> },
        "container" => html! { <path d="m4 8 8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8"/> },
        "bridge" => html! { <path d="M3 10h18M3 10c3-6 15-6 18 0M6.500 10v7M12 10v7M17.500 10v7"/> },
        "router" => {
            html! { <><rect x="3" y="11" width="18" height="8" rx="2"/><path d="M7.500 11V6M16.500 11V6M7 15.100h.1M10.500 15.100h.1"/></> }
        }
        "computer" => {
            html! { <><rect x="4" y="5" width="16" height="11" rx="1.600"/><path d="M2 19.500h20"/></> }
        }
        "server" => {
            html! { <><rect x="6" y="3" width="12" height="18" rx="1.800"/><path d="M9 7.500h6M9 11.500h6M9.100 17h.1"/></> }
        }
        "dns" => {
            html! { <><circle cx="12" cy="12" r="8.500"/><path d="M3.500 12h17M12 3.500c4.800 5 4.800 12 0 17M12 3.500c-4.800 5-4.800 12 0 17"/></> }
        }
        "switch" => {
            html! { <><rect x="3" y="8.500" width="18" height="8" rx="1.600"/><path d="M6.500 12.500h2M11 12.500h2M15.500 12.500h2"/></> }
        }
        "host" => {
            html! { <><path d="M3.500 11 12 4l8.500 7M5.500 9.500V20h13V9.500"/><path d="M9 20v-5.500h6V20"/></> }
        }
        "isp" => {
            html! { <path d="M7 18.500h10a4 4 0 0 0 .6-8A6 6 0 0 0 6.200 9.800 4.400 4.400 0 0 0 7 18.500z"/> }
        }
        "settings" => html! { <path d="M4 7h9M17 7h3M4 17h3M11 17h9M13 4.500v5M9 14.500v5" /> },
        "warn" => html! { <><path d="M12 4 2.800 19.500h18.400z"/><path d="M12 10v4.500M12 17v.1"/></> },
        "check" => html! { <path d="m5 12.500 4.500 4.500L19 7.500"/> },
        "cable" => {
            html! { <><path d="M4.500 4v4a2 2 0 0 0 2 2h1a2 2 0 0 0 2-2V4M7 10v5a4.500 4.500 0 0 0 9 0v-3.500"/><rect x="13.500" y="5" width="5" height="6.500" rx="1.200"/></> }
        }
        "unplug" => {
            html! { <path d="M9 3.500v4M15 3.500v4M6.500 7.500h11v2.500a5.500 5.500 0 0 1-2.300 4.500M12 15.500V20M4 4l16 16"/> }
        }
        "pen" => html! { <path d="M5 19l.8-3.800L15.500 5.500l3 3L8.800 18.200zM13.500 7.500l3 3"/> },
        "copy" => {
            html! { <><rect x="8.500" y="8.500" width="11" height="11" rx="2"/><path d="M15.500 8.500v-2a2 2 0 0 0-2-2h-7a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h2"/></> }
        }
        "clinic" => {
            html! { <><rect x="4" y="4" width="16" height="16" rx="4.500"/><path d="M12 8.500v7M8.500 12h7"/></> }
        }
        "labs" => {
            html! { <path d="M4 6.500h6v5H4zM14 6.500h6v5h-6zM9 15.500h6v4H9zM7 11.500v2.200h10v-2.200M12 13.700v1.800"/> }
        }
        "open" => html! { <path d="M4 18.500V6h5l2 2.500h9v10zM12 11v5M9.700 13.200 12 11l2.300 2.200"/> },
        "save" => {
            html! { <path d="M12 4.500v9.500M8.500 10.500 12 14l3.500-3.500M5 15.500v3.500h14v-3.500"/> }
        }
        "reset" => html! { <path d="M5 12a7 7 0 1 0 2.200-5.100M5 4.500v4h4"/> },
        _ => html! {},
    };
    html! { <svg class="icon" width="24" height="24" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{ body }</svg> }
}

/// The icon of a kind of node.
pub fn node_icon(kind: crate::session::NodeKind) -> &'static str {
    use crate::session::NodeKind;
    match kind {
        NodeKind::Computer => "computer",
        NodeKind::Server => "server",
        NodeKind::Dns => "dns",
        NodeKind::Router => "router",
        NodeKind::Isp => "isp",
        NodeKind::Switch => "switch",
        NodeKind::DockerHost => "host",
    }
}

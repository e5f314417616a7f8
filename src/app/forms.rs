//! The palette's images, and forms as they are shared. A form holds what was typed,
//! says what is wrong with it, and becomes an edit or a docker command.

pub use super::docking::ContainerForm;
pub use super::netform::NetworkForm;

/// An image of the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// What it is called on the palette, and the first part of a new container's name.
    pub label: &'static str,
    /// As `docker run` wants it.
    pub reference: &'static str,
    /// Options it cannot do without.
    pub options: &'static str,
    /// A command that keeps it running.
    pub command: &'static str,
    /// The port it serves.
    pub port: Option<u16>,
}

/// The palette's images.
pub const IMAGES: [Image; 6] = [
    Image { label: "nginx", reference: "nginx", options: "", command: "", port: Some(80) },
    Image { label: "whoami", reference: "traefik/whoami", options: "", command: "", port: Some(80) },
    Image { label: "tomcat", reference: "tomcat", options: "", command: "", port: Some(8080) },
    Image { label: "redis", reference: "redis", options: "", command: "", port: Some(6379) },
    Image {
        label: "postgres",
        reference: "postgres",
        options: "-e POSTGRES_PASSWORD=secret",
        command: "",
        port: Some(5432),
    },
    Image { label: "alpine", reference: "alpine", options: "", command: "sleep infinity", port: None },
];

/// What is wrong with a field: a key of the locale.
pub type Problem = &'static str;

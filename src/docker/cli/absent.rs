//! Commands of Docker that are not part of this: their names, so that what is wrong with a command line
//! is said in docker's words, and what comes nearest here.

use super::table::{Command, Count, Makes, Wants};

const IMAGES: &str = "docker images: the images that are built in";

const fn absent(
    path: &'static [&'static str],
    (usage, count): (&'static str, Count),
    help: &'static str,
    instead: &'static str,
) -> Command {
    Command {
        path,
        usage,
        help,
        aliases: &[],
        count,
        interspersed: true,
        wants: &[Wants::Nothing],
        flags: &[],
        makes: Makes::Absent(instead),
    }
}

const fn also(alias: &'static [&'static [&'static str]], command: Command) -> Command {
    Command { aliases: alias, ..command }
}

const ONE: Count = Count::Exactly(1);
const ANY: Count = Count::AtLeast(0);
const SOME: Count = Count::AtLeast(1);

/// The commands.
pub(super) const COMMANDS: &[Command] = &[
    also(
        &[&["image", "build"], &["builder", "build"]],
        absent(&["build"], ("[OPTIONS] PATH | URL | -", ONE), "Build an image from a Dockerfile", IMAGES),
    ),
    also(
        &[&["image", "import"]],
        absent(
            &["import"],
            ("[OPTIONS] file|URL|- [REPOSITORY[:TAG]]", SOME),
            "Import the contents from a tarball to create a filesystem image",
            IMAGES,
        ),
    ),
    also(
        &[&["image", "load"]],
        absent(
            &["load"],
            ("[OPTIONS]", Count::Exactly(0)),
            "Load an image from a tar archive or STDIN",
            IMAGES,
        ),
    ),
    also(
        &[&["image", "push"]],
        absent(&["push"], ("[OPTIONS] NAME[:TAG]", ONE), "Upload an image to a registry", "docker images"),
    ),
    also(
        &[&["image", "save"]],
        absent(
            &["save"],
            ("[OPTIONS] IMAGE [IMAGE...]", SOME),
            "Save one or more images to a tar archive (streamed to STDOUT by default)",
            "docker images",
        ),
    ),
    absent(&["login"], ("[OPTIONS] [SERVER]", Count::Between(0, 1)), "Authenticate to a registry", IMAGES),
    absent(&["logout"], ("[SERVER]", Count::Between(0, 1)), "Log out from a registry", IMAGES),
    absent(&["search"], ("[OPTIONS] TERM", ONE), "Search Docker Hub for images", "docker images"),
    absent(
        &["system", "df"],
        ("[OPTIONS]", Count::Exactly(0)),
        "Show docker disk usage",
        "docker ps -a and docker images",
    ),
    absent(
        &["system", "prune"],
        ("[OPTIONS]", Count::Exactly(0)),
        "Remove unused data",
        "docker container prune and docker network prune",
    ),
    absent(
        &["volume", "create"],
        ("[OPTIONS] [VOLUME]", Count::Between(0, 1)),
        "Create a volume",
        "docker network",
    ),
    absent(
        &["volume", "inspect"],
        ("[OPTIONS] VOLUME [VOLUME...]", SOME),
        "Display detailed information on one or more volumes",
        "docker network",
    ),
    absent(&["volume", "ls"], ("[OPTIONS]", Count::Exactly(0)), "List volumes", "docker network"),
    absent(
        &["volume", "prune"],
        ("[OPTIONS]", Count::Exactly(0)),
        "Remove unused local volumes",
        "docker network",
    ),
    absent(
        &["volume", "rm"],
        ("[OPTIONS] VOLUME [VOLUME...]", SOME),
        "Remove one or more volumes",
        "docker network",
    ),
    absent(&["swarm", "ca"], ("[OPTIONS]", ANY), "Display and rotate the root CA", "docker swarm"),
];

/// Commands that are plugins of the client: one that has not got them does not know them.
pub(super) const PLUGINS: [(&str, &str); 2] =
    [("buildx", IMAGES), ("compose", "docker network create and docker run")];

//! The commands about what is in containers and images: a part of the one table.

use super::table::{Command, Count, LIST_HELP, Makes, Wants, idle, idle_on, on, val};

const CONTAINERS: &[Wants] = &[Wants::Container];

/// The commands.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        path: &["commit"],
        usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
        help: "Create a new image from a container's changes",
        aliases: &[&["container", "commit"]],
        count: Count::Between(1, 2),
        interspersed: true,
        wants: &[Wants::Container, Wants::Nothing],
        flags: &[&[
            val(
                "author",
                Some('a'),
                "string",
                "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")",
            ),
            val("change", Some('c'), "list", "Apply Dockerfile instruction to the created image"),
            val("message", Some('m'), "string", "Commit message"),
            idle_on("pause", Some('p'), "Pause container during commit (default true)"),
        ]],
        makes: Makes::Commit,
    },
    Command {
        path: &["cp"],
        usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
        help: "Copy files/folders between a container and the local filesystem",
        aliases: &[&["container", "cp"]],
        count: Count::Exactly(2),
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            idle_on("archive", Some('a'), "Archive mode (copy all uid/gid information)"),
            idle_on("follow-link", Some('L'), "Always follow symbol link in SRC_PATH"),
            idle_on(
                "quiet",
                Some('q'),
                "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is \
                 attached",
            ),
        ]],
        makes: Makes::Copy,
    },
    Command {
        path: &["diff"],
        usage: "CONTAINER",
        help: "Inspect changes to files or directories on a container's filesystem",
        aliases: &[&["container", "diff"]],
        count: Count::Exactly(1),
        interspersed: true,
        wants: CONTAINERS,
        flags: &[],
        makes: Makes::Diff,
    },
    Command {
        path: &["export"],
        usage: "[OPTIONS] CONTAINER",
        help: "Export a container's filesystem as a tar archive",
        aliases: &[&["container", "export"]],
        count: Count::Exactly(1),
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[val("output", Some('o'), "string", "Write to a file, instead of STDOUT")]],
        makes: Makes::Export,
    },
    Command {
        path: &["history"],
        usage: "[OPTIONS] IMAGE",
        help: "Show the history of an image",
        aliases: &[&["image", "history"]],
        count: Count::Exactly(1),
        interspersed: true,
        wants: &[Wants::Image],
        flags: &[&[
            val("format", None, "string", LIST_HELP),
            idle_on("human", Some('H'), "Print sizes and dates in human readable format (default true)"),
            on("no-trunc", None, "Don't truncate output"),
            idle(
                "platform",
                None,
                "string",
                "Show history for the given platform. Formatted as \"os[/arch[/variant]]\" (e.g., \"linux/amd64\")",
            ),
            on("quiet", Some('q'), "Only show image IDs"),
        ]],
        makes: Makes::History,
    },
];

//! Archives as tar writes them: the ustar format (POSIX.1-1988), files and directories.
//!
//! Not supported: links, owners, times, names over 100 bytes (they are cut off at a directory where that is
//! possible, else left out), sparse files.

/// A block: a header, or a piece of a file.
const BLOCK: usize = 512;

/// An archive of these: paths from the root, directories with a slash at their end. A text, as everything that
/// goes through a pipe here: a file that is none loses what is not UTF-8.
pub fn pack(entries: impl Iterator<Item = (String, Vec<u8>)>) -> String {
    let mut archive = String::new();
    for (path, content) in entries {
        let Some((prefix, name)) = split(&path) else { continue };
        let text = String::from_utf8_lossy(&content);
        let directory = path.ends_with('/');
        let mut header = [0_u8; BLOCK];
        let mut field = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        field(0, name);
        field(100, if directory { "0000755" } else { "0000644" });
        field(108, "0000000");
        field(116, "0000000");
        field(124, &format!("{:011o}", text.len()));
        field(136, "00000000000");
        field(148, "        ");
        field(156, if directory { "5" } else { "0" });
        field(257, "ustar");
        field(263, "00");
        field(345, prefix);
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        // Nothing but ASCII is in it, but for a name that is not.
        archive += &String::from_utf8_lossy(&header);
        archive += &text;
        archive.extend(std::iter::repeat_n('\0', text.len().next_multiple_of(BLOCK) - text.len()));
    }
    archive.extend(std::iter::repeat_n('\0', 2 * BLOCK));
    archive
}

/// A path in what the two fields for it hold; None: it is too long.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= 100 {
        return Some(("", path));
    }
    let cut = path.bytes().enumerate().position(|(i, b)| b == b'/' && path.len() - i - 1 <= 100)?;
    (cut <= 155 && cut + 1 < path.len()).then(|| (&path[..cut], &path[cut + 1..]))
}

/// What is in an archive, in its order.
///
/// # Errors
/// In tar's words.
pub fn unpack(archive: &[u8]) -> Result<Vec<(String, Vec<u8>)>, &'static str> {
    const BAD: &str = "This does not look like a tar archive";
    let mut all = Vec::new();
    let mut rest = archive;
    while let Some((header, after)) = rest.split_at_checked(BLOCK) {
        if header.iter().all(|b| *b == 0) {
            return Ok(all);
        }
        if &header[257..262] != b"ustar" {
            return Err(BAD);
        }
        let text = |at: usize, len: usize| {
            let field = &header[at..at + len];
            let end = field.iter().position(|b| *b == 0).unwrap_or(len);
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let size = usize::from_str_radix(text(124, 12).trim(), 8).map_err(|_| BAD)?;
        let content = after.get(..size).ok_or("Unexpected EOF in archive")?;
        let prefix = text(345, 155);
        let name = text(0, 100);
        all.push((if prefix.is_empty() { name } else { format!("{prefix}/{name}") }, content.to_vec()));
        rest = after.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
    }
    if archive.is_empty() { Err(BAD) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let all = vec![
            ("etc/".to_owned(), Vec::new()),
            ("etc/motd".to_owned(), b"hello\n".to_vec()),
            (format!("{}/f", "a/".repeat(60)), vec![b'x'; 700]),
        ];
        let archive = pack(all.clone().into_iter());
        assert_eq!(archive.len() % BLOCK, 0);
        assert_eq!(unpack(archive.as_bytes()), Ok(all));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 0_usize..2000) {
            let _ = unpack(&bytes);
            let whole = pack([("a/b".to_owned(), bytes)].into_iter());
            let _ = unpack(&whole.as_bytes()[..cut.min(whole.len())]);
        }
    }
}

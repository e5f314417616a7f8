//! What netpier itself says at a prompt, beside what the real tools print: each text in English and
//! in Korean.

use crate::lang::Lang;

/// The end of what `help` prints.
pub(super) const HELP: [&str; 2] = [
    "help COMMAND says more. Also: a | b, a; b, a && b, a || b, $(a), > file, 2>/dev/null, for, while, if, $((1+2)). Ctrl-C ends a command.\n",
    "help 명령: 자세한 설명. a | b, a; b, a && b, a || b, $(a), > 파일, 2>/dev/null, for, while, if, $((1+2))도 쓸 수 있어요. Ctrl-C로 명령을 끝내요.\n",
];

/// `docker` on a node without an engine.
pub(super) const NO_ENGINE: [&str; 2] =
    ["there is no Docker engine on this node\n", "이 노드에는 도커 엔진이 없어요\n"];

/// A program that others have.
pub(super) const NOT_IN_IMAGE: [&str; 2] = [
    "this image does not have it; netshoot has every tool\n",
    "이 이미지에는 없어요. netshoot에는 모든 도구가 있어요\n",
];

/// An engine that could not be restarted.
pub(super) const GOES_ON: [&str; 2] =
    ["the engine goes on with its old settings", "엔진은 예전 설정으로 계속 돌아요"];

/// A likely spelling.
pub(super) fn near(lang: Lang, word: &str) -> String {
    lang.of([format!("did you mean {word:?}?\n"), format!("혹시 {word:?}인가요?\n")])
}

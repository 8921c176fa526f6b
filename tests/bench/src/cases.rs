//! The cases: the program, its settings, the event it gets and the store it reads from.

use std::path::PathBuf;

use crate::events::Ask;
use crate::folders::Folders;
use crate::product::Product;

/// The program of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// A function or the hello world.
    Binary(&'static str),
    /// The same view in another language.
    Peer(&'static str),
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary(name) | Self::Peer(name) => name,
        }
    }
}

/// The number of published resources that a case reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Small,
    Large,
}

#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub program: Program,
    pub settings: &'static [(&'static str, &'static str)],
    pub ask: Ask,
    pub store: Store,
}

pub const FLOOR: &str = "vitrine-bench-floor";
const UNCACHED: &[(&str, &str)] = &[("ResourceCacheSeconds", "0")];
const CACHED: &[(&str, &str)] = &[("ResourceCacheSeconds", "3600")];

const fn case(name: &'static str, binary: &'static str, ask: Ask) -> Case {
    Case { name, program: Program::Binary(binary), settings: &[], ask, store: Store::Small }
}

const fn peer(name: &'static str, language: &'static str) -> Case {
    Case { program: Program::Peer(language), ..case(name, "", Ask::View) }
}

impl Case {
    const fn cached(self) -> Self {
        Self { settings: CACHED, ..self }
    }

    const fn uncached(self) -> Self {
        Self { settings: UNCACHED, ..self }
    }

    const fn large(self) -> Self {
        Self { store: Store::Large, ..self }
    }

    /// Returns whether `--only WORD` selects this case. The hello world is always selected: all others are compared
    /// with it.
    pub fn is_selected(&self, word: Option<&str>) -> bool {
        let is_named = |word: &str| self.name.contains(word) || self.program.name().contains(word);
        self.name == HELLO || word.is_none_or(is_named)
    }

    /// The environment variables of the case's process.
    pub fn environment(&self, product: &Product) -> Vec<(&'static str, String)> {
        let settings = self.settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
        product.environment().into_iter().chain(settings).collect()
    }

    pub fn bootstrap(&self, folders: &Folders) -> PathBuf {
        match self.program {
            Program::Binary(name) => folders.function(name),
            Program::Peer(language) => folders.peers.join(language).join("bootstrap"),
        }
    }
}

pub const HELLO: &str = "hello world";
pub const VIEW: &str = "view, cached";
pub const VIEW_UNCACHED: &str = "view, uncached";
pub const NODE: &str = "Node: view, cached";
pub const PYTHON: &str = "Python: view, cached";
pub const AUTHORIZE: &str = "authorize a request";
pub const CREATE: &str = "create a session";
pub const MINT: &str = "mint a token";
pub const REDEEM: &str = "redeem a session";
pub const REPLACE: &str = "replace a resource";
pub const LIST: &str = "list 100, few published";
pub const LIST_LARGE: &str = "list 100, many published";

const HELLO_CASE: Case = case(HELLO, FLOOR, Ask::Hello);
const VIEW_CASE: Case = case(VIEW, "verify-token", Ask::View).cached();
const VIEW_UNCACHED_CASE: Case = case(VIEW_UNCACHED, "verify-token", Ask::View).uncached();

/// The functions. The hello world comes first.
pub const CASES: [Case; 15] = [
    HELLO_CASE,
    VIEW_CASE,
    VIEW_UNCACHED_CASE,
    case("preflight", "verify-token", Ask::Preflight),
    case(AUTHORIZE, "authorize-request", Ask::Authorize).cached(),
    case("page, cached", "serve-embed", Ask::Page).cached(),
    case("page, uncached", "serve-embed", Ask::Page).uncached(),
    case(CREATE, "create-session", Ask::CreateSession),
    case(MINT, "create-session", Ask::Mint),
    case(REDEEM, "redeem-session", Ask::RedeemSession),
    case(LIST, "list-embeddable", Ask::List),
    case(LIST_LARGE, "list-embeddable", Ask::List).large(),
    case(REPLACE, "publish-resource", Ask::Replace),
    case("list access keys", "manage-keys", Ask::AccessKeys),
    case("rotate: create a key", "rotate-key", Ask::Rotate),
];

/// The view beside the frozen peers, all in the same runs.
pub const PEER_CASES: [Case; 7] = [
    HELLO_CASE,
    VIEW_CASE,
    VIEW_UNCACHED_CASE,
    peer(NODE, "node").cached(),
    peer("Node: view, uncached", "node").uncached(),
    peer(PYTHON, "python").cached(),
    peer("Python: view, uncached", "python").uncached(),
];

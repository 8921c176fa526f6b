//! What is measured: which program, with which settings, asked what, of which store.

use std::path::PathBuf;

use crate::events::Ask;
use crate::folders::Folders;
use crate::product::Product;

/// What is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// One of our functions, or the floor: a release binary.
    Binary(&'static str),
    /// What one would write in another language.
    Peer(&'static str),
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary(name) | Self::Peer(name) => name,
        }
    }
}

/// How much is published where a case looks.
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
const FORGETFUL: &[(&str, &str)] = &[("ResourceCacheSeconds", "0")];
const REMEMBERING: &[(&str, &str)] = &[("ResourceCacheSeconds", "3600")];

const fn case(name: &'static str, binary: &'static str, ask: Ask) -> Case {
    Case { name, program: Program::Binary(binary), settings: &[], ask, store: Store::Small }
}

const fn peer(name: &'static str, language: &'static str) -> Case {
    Case { program: Program::Peer(language), ..case(name, "", Ask::View) }
}

impl Case {
    const fn remembering(self) -> Self {
        Self { settings: REMEMBERING, ..self }
    }

    const fn forgetful(self) -> Self {
        Self { settings: FORGETFUL, ..self }
    }

    const fn large(self) -> Self {
        Self { store: Store::Large, ..self }
    }

    /// Is it asked for? The floor always is: all others are measured by it.
    pub fn is_about(&self, word: Option<&str>) -> bool {
        let is_named = |word: &str| self.name.contains(word) || self.program.name().contains(word);
        self.name == HELLO || word.is_none_or(is_named)
    }

    /// One of our functions, or the floor.
    pub fn is_ours(&self) -> bool {
        matches!(self.program, Program::Binary(_))
    }

    /// What its process finds in its environment.
    pub fn environment(&self, product: &Product) -> Vec<(&'static str, String)> {
        let settings = self.settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
        product.environment().into_iter().chain(settings).collect()
    }

    pub fn bootstrap(&self, folders: &Folders) -> PathBuf {
        match self.program {
            Program::Binary(name) => folders.binaries.join(name),
            Program::Peer(language) => folders.peers.join(language).join("bootstrap"),
        }
    }
}

pub const HELLO: &str = "hello world";
pub const VIEW: &str = "view, remembered";
pub const VIEW_ANEW: &str = "view, read anew";
pub const NODE: &str = "Node: view, remembered";
pub const PYTHON: &str = "Python: view, remembered";
pub const AUTHORIZE: &str = "authorize a request";
pub const CREATE: &str = "create a session";
pub const MINT: &str = "mint a token";
pub const REDEEM: &str = "redeem a session";
pub const PUBLISH: &str = "publish anew";
pub const LIST: &str = "list, 100 of few";
pub const LIST_LARGE: &str = "list, 100 of many";

pub const CASES: [Case; 19] = [
    case(HELLO, FLOOR, Ask::Hello),
    case(VIEW, "verify-token", Ask::View).remembering(),
    case(VIEW_ANEW, "verify-token", Ask::View).forgetful(),
    case("preflight", "verify-token", Ask::Preflight),
    case(AUTHORIZE, "authorize-request", Ask::Authorize).remembering(),
    case("page, remembered", "serve-embed", Ask::Page).remembering(),
    case("page, read anew", "serve-embed", Ask::Page).forgetful(),
    case(CREATE, "create-session", Ask::CreateSession),
    case(MINT, "create-session", Ask::Mint),
    case(REDEEM, "redeem-session", Ask::RedeemSession),
    case(LIST, "list-embeddable", Ask::List),
    case(LIST_LARGE, "list-embeddable", Ask::List).large(),
    case(PUBLISH, "publish-resource", Ask::Publish),
    case("list access keys", "manage-keys", Ask::AccessKeys),
    case("rotate: create", "rotate-key", Ask::Rotate),
    peer(NODE, "node").remembering(),
    peer("Node: view, read anew", "node").forgetful(),
    peer(PYTHON, "python").remembering(),
    peer("Python: view, read anew", "python").forgetful(),
];

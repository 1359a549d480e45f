//! The examples themselves. Their files are those of the folder `examples`, built into the program.

use crate::ports::MachineFacts;

/// An application that comes along.
#[derive(Debug)]
pub struct Example {
    /// Its folder's name.
    pub key: &'static str,
    /// What its project and its instance are called.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// By what it is written.
    pub made_of: &'static str,
    pub needs: &'static [Need],
    /// Its repository's first commit: each by its path.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// Something that a server has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Python,
    /// Python that makes virtual environments with pip.
    Venv,
    /// Node.js with npm.
    Node,
    Postgresql,
    /// A way out: what it is made of is fetched while it is built.
    Internet,
}

impl Need {
    pub const ALL: &'static [Self] =
        &[Self::Python, Self::Venv, Self::Node, Self::Postgresql, Self::Internet];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "Python 3",
            Self::Venv => "Python 3 with venv",
            Self::Node => "Node.js with npm",
            Self::Postgresql => "PostgreSQL",
            Self::Internet => "Internet access",
        }
    }

    /// `None` where the machine doesn't say.
    #[must_use]
    pub fn is_there(self, facts: &MachineFacts) -> Option<bool> {
        if self == Self::Internet {
            return Some(facts.no_outgoing.is_none());
        }
        let found = facts.programs?;
        Some(match self {
            Self::Python => found.python,
            Self::Venv => found.python && found.venv,
            Self::Node => found.node && found.npm,
            Self::Postgresql => found.postgresql,
            Self::Internet => true,
        })
    }

    /// What to say where it isn't.
    #[must_use]
    pub fn missing(self, facts: &MachineFacts) -> String {
        let lacks = |what: &str, package: &str| {
            format!(
                "{what} isn't on the server where instances see it. Install it: apt-get install {package}."
            )
        };
        match self {
            Self::Python => lacks("Python 3", "python3"),
            Self::Venv => lacks("Python 3 with venv", "python3 python3-venv"),
            Self::Node => lacks("Node.js with npm", "nodejs npm"),
            Self::Postgresql => lacks("PostgreSQL", "postgresql"),
            Self::Internet => facts.no_outgoing.clone().unwrap_or_default(),
        }
    }
}

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../../examples/", $folder, "/", $path)).as_slice())),*]
    };
}

/// In the order in which they are offered: the first one needs least of what isn't there anyway, and shows most.
pub const ALL: &[Example] = &[
    Example {
        key: "guestbook",
        name: "Guestbook",
        about: "Visitors sign it. What they wrote outlives every deployment.",
        made_of: "Python and SQLite",
        needs: &[Need::Python],
        files: files!("guestbook": "README.md", "app.py", "stoa.toml"),
    },
    Example {
        key: "shop",
        name: "Shop",
        about: "Customers with baskets, to connect as. A task each night.",
        made_of: "Django and PostgreSQL",
        needs: &[Need::Venv, Need::Postgresql, Need::Internet],
        files: files!(
            "shop":
            "README.md",
            "basket/__init__.py",
            "basket/management/__init__.py",
            "basket/management/commands/__init__.py",
            "basket/management/commands/prepare.py",
            "basket/migrations/0001_initial.py",
            "basket/migrations/__init__.py",
            "basket/models.py",
            "basket/templates/home.html",
            "basket/templates/login.html",
            "basket/views.py",
            "manage.py",
            "requirements.txt",
            "shop/__init__.py",
            "shop/settings.py",
            "shop/urls.py",
            "shop/wsgi.py",
            "stoa.toml",
        ),
    },
    Example {
        key: "notes",
        name: "Notes",
        about: "A list of notes. It says nothing of itself, and is taken for what it is.",
        made_of: "Node.js, no packages",
        needs: &[Need::Node],
        files: files!("notes": "README.md", "package.json", "server.mjs"),
    },
    Example {
        key: "site",
        name: "Site",
        about: "Pages and a style sheet. Stoa serves them itself.",
        made_of: "Files alone",
        needs: &[],
        files: files!("site": "README.md", "about/index.html", "index.html", "style.css"),
    },
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::ports::Programs;

    fn walk(base: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                // What Python leaves where somebody tried it.
                if entry.file_name() != "__pycache__" {
                    walk(base, &path, found);
                }
            } else {
                let name = path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }

    #[test]
    fn each_has_every_file_of_its_folder_and_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        for example in ALL {
            let mut there = BTreeMap::new();
            walk(&folder.join(example.key), &folder.join(example.key), &mut there);
            let kept: BTreeMap<String, Vec<u8>> =
                example.files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
            assert_eq!(kept.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>(), "{}", example.key);
            assert!(kept == there, "{} was changed since the program was built", example.key);
        }
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_install_and_nothing_is_made_up() {
        let none = MachineFacts { programs: Some(Programs::default()), ..MachineFacts::default() };
        for need in Need::ALL.iter().filter(|need| **need != Need::Internet) {
            assert_eq!(need.is_there(&none), Some(false), "{need:?}");
            let said = need.missing(&none);
            assert!(said.contains(need.name()) && said.contains("apt-get install"), "{said}");
            assert_eq!(need.is_there(&MachineFacts::default()), None, "{need:?} of one that doesn't say");
        }
        let walled =
            MachineFacts { no_outgoing: Some("slirp4netns isn't installed".to_owned()), ..none.clone() };
        assert_eq!(
            (Need::Internet.is_there(&none), Need::Internet.is_there(&walled)),
            (Some(true), Some(false))
        );
        assert_eq!(Need::Internet.missing(&walled), "slirp4netns isn't installed");
        // One half of two isn't enough.
        let half = Programs { python: true, node: true, ..Programs::default() };
        let half = MachineFacts { programs: Some(half), ..MachineFacts::default() };
        assert_eq!(
            [Need::Python, Need::Venv, Need::Node].map(|need| need.is_there(&half)),
            [Some(true), Some(false), Some(false)]
        );
    }
}

//! The catalogue, to choose from.

use hookbell_domain::endpoint::EVERY_TYPE;
use hookbell_domain::profile::Profile;

/// The catalogue by categories, with what is chosen of it.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// In the order of their names.
    pub(super) groups: Vec<Group>,
    /// Whether every type is chosen, those added later included.
    pub(super) all: bool,
}

/// The types of one category.
#[derive(Debug)]
pub(super) struct Group {
    /// What it is called.
    pub(super) name: &'static str,
    /// By name.
    pub(super) types: Vec<Type>,
}

/// One type of event.
#[derive(Debug)]
pub(super) struct Type {
    /// Its name.
    pub(super) name: &'static str,
    /// One sentence.
    pub(super) description: &'static str,
    /// Whether it is chosen.
    pub(super) chosen: bool,
}

impl Catalogue {
    /// A profile's catalogue, of which those are chosen.
    pub(super) fn new<'a>(profile: &'static Profile, chosen: impl Iterator<Item = &'a str>) -> Self {
        let chosen: Vec<&str> = chosen.collect();
        let mut groups: Vec<Group> = Vec::new();
        for entry in profile.event_types {
            let entry_chosen = chosen.contains(&entry.name);
            let each = Type { name: entry.name, description: entry.description, chosen: entry_chosen };
            match groups.iter_mut().find(|group| group.name == entry.category) {
                Some(group) => group.types.push(each),
                None => groups.push(Group { name: entry.category, types: vec![each] }),
            }
        }
        groups.sort_by_key(|group| group.name);
        Self { groups, all: chosen.contains(&EVERY_TYPE) }
    }
}

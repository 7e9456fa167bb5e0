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
    /// Whether the catalogue had them once and has them no more.
    pub(super) gone: bool,
    /// By name.
    pub(super) types: Vec<Type>,
}

/// One type of event.
#[derive(Debug)]
pub(super) struct Type {
    /// Its name.
    pub(super) name: String,
    /// One sentence.
    pub(super) description: &'static str,
    /// Whether it is chosen.
    pub(super) chosen: bool,
}

impl Catalogue {
    /// A profile's catalogue to filter by, of which one may be chosen.
    pub(super) fn of_filter(profile: &'static Profile, chosen: &str) -> Self {
        let chosen: Vec<String> = Some(chosen).filter(|name| !name.is_empty()).map(str::to_owned).into_iter().collect();
        Self::new(profile, &chosen, &chosen)
    }

    /// A profile's catalogue, of which `chosen` are chosen. An endpoint may be subscribed to a type that the catalogue has
    /// no more: of `subscribed`, those are shown too, so that saving the form does not drop them unseen.
    pub(super) fn new(profile: &'static Profile, chosen: &[String], subscribed: &[String]) -> Self {
        let is_chosen = |name: &str| chosen.iter().any(|each| each == name);
        let mut groups: Vec<Group> = Vec::new();
        for entry in profile.event_types {
            let (name, description) = (entry.name.to_owned(), entry.description);
            let each = Type { name, description, chosen: is_chosen(entry.name) };
            match groups.iter_mut().find(|group| group.name == entry.category) {
                Some(group) => group.types.push(each),
                None => groups.push(Group { name: entry.category, gone: false, types: vec![each] }),
            }
        }
        groups.sort_by_key(|group| group.name);
        let is_gone = |name: &&String| *name != EVERY_TYPE && profile.event_type(name).is_none();
        let gone = subscribed.iter().filter(is_gone);
        let gone = gone.map(|name| Type { name: name.clone(), description: "", chosen: is_chosen(name) });
        let types: Vec<Type> = gone.collect();
        if !types.is_empty() {
            groups.push(Group { name: "No longer in the catalogue", gone: true, types });
        }
        Self { groups, all: is_chosen(EVERY_TYPE) }
    }
}

//! Prints the profiles that were compiled in, and the types of each: what a build from your own `events/` contains.

fn main() {
    for profile in hookbell_domain::profile::ALL {
        println!("{}: {}", profile.name, profile.description);
        for event_type in profile.event_types {
            println!("  {} ({})", event_type.name, event_type.category);
        }
    }
}

//! Job titles: the common ones, and many rare ones like those that people type into a free text field.

/// A common job title: who holds it, and how it affects the pay.
pub(super) struct Role {
    pub(super) title: &'static str,
    /// Its relative frequency among the common titles.
    pub(super) weight: f64,
    /// Its contribution to the latent pay, in standard deviations.
    pub(super) pay: f64,
    /// The first and last year of graduation of the people who hold it.
    pub(super) years: (i16, i16),
}

const fn role(title: &'static str, weight: f64, pay: f64, years: (i16, i16)) -> Role {
    Role { title, weight, pay, years }
}

const ANY: (i16, i16) = (i16::MIN, i16::MAX);

/// The common titles. The index of a title is its position code.
pub(super) const ROLES: [Role; 20] = [
    role("Backend Engineer", 29.0, 0.15, ANY),
    role("FullStack Engineer", 17.0, 0.05, ANY),
    role("Other", 12.0, -0.15, ANY),
    role("Frontend Engineer", 7.0, 0.0, ANY),
    role("Engineering Leadership", 6.5, 0.9, (i16::MIN, 2015)),
    role("QA Engineer", 4.5, -0.3, ANY),
    role("Data Scientist", 3.8, 0.2, ANY),
    role("Android Engineer", 3.5, 0.0, ANY),
    role("SDET", 3.2, -0.05, ANY),
    role("Devops Engineer", 3.0, 0.1, ANY),
    role("Support Engineer", 2.5, -0.5, ANY),
    role("Data Analyst", 2.0, -0.3, ANY),
    role("iOS Engineer", 1.8, 0.1, ANY),
    role("Engineering Intern", 1.5, -1.2, (2019, i16::MAX)),
    role("Product Manager", 1.0, 0.6, (i16::MIN, 2018)),
    role("Product Designer", 0.9, 0.0, ANY),
    role("Research Engineer", 0.7, 0.0, ANY),
    role("Database Administrator", 0.6, -0.1, ANY),
    role("Security Engineer", 0.5, 0.1, ANY),
    role("Co-founder", 0.4, 0.5, ANY),
];

const LEVELS: [&str; 16] = [
    "Senior",
    "Junior",
    "Associate",
    "Lead",
    "Trainee",
    "Principal",
    "Assistant",
    "Staff",
    "Fresher",
    "Chief",
    "Graduate",
    "Deputy",
    "Intern",
    "Head",
    "Freelance",
    "Interim",
];
const FIELDS: [&str; 32] = [
    "Software",
    "Data",
    "Cloud",
    "Platform",
    "Mobile",
    "Web",
    "Java",
    "Python",
    "Systems",
    "Network",
    "Payments",
    "Automation",
    "Embedded",
    "Analytics",
    "Game",
    "Firmware",
    "Salesforce",
    "SAP",
    "Business",
    "Infrastructure",
    "Machine Learning",
    "Robotics",
    "Search",
    "Graphics",
    "Compliance",
    "Operations",
    "Marketing",
    "Finance",
    "Research",
    "Integration",
    "Reliability",
    "Product",
];
const JOBS: [&str; 16] = [
    "Engineer",
    "Developer",
    "Analyst",
    "Consultant",
    "Architect",
    "Programmer",
    "Specialist",
    "Manager",
    "Tester",
    "Administrator",
    "Technician",
    "Coordinator",
    "Designer",
    "Instructor",
    "Strategist",
    "Owner",
];
const VARIANTS: [&str; 7] = ["", " II", " (Contract)", " - Remote", " III", " / Team Lead", " (Part-time)"];

/// The number of titles in all.
pub(super) const TITLES: usize = ROLES.len() + LEVELS.len() * FIELDS.len() * JOBS.len() * VARIANTS.len();

/// The title of a position code, which must be below [`TITLES`]. The common titles come first, then distinct made-up
/// ones.
pub(super) fn title(code: u16) -> String {
    let code = usize::from(code);
    if let Some(role) = ROLES.get(code) {
        return role.title.to_string();
    }
    let combinations = LEVELS.len() * FIELDS.len() * JOBS.len();
    let tail = code - ROLES.len();
    // The number of combinations is a power of two, so an odd stride visits each of them once. It makes titles with
    // neighbouring codes look different.
    let pick = tail % combinations * 2_909 % combinations;
    let (level, rest) = (pick % LEVELS.len(), pick / LEVELS.len());
    let (field, job) = (rest % FIELDS.len(), rest / FIELDS.len());
    format!("{} {} {}{}", LEVELS[level], FIELDS[field], JOBS[job], VARIANTS[tail / combinations])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn titles_are_distinct_and_plain() {
        let all: HashSet<String> = (0..TITLES).map(|c| title(c as u16)).collect();
        assert_eq!(all.len(), TITLES);
        assert!(all.iter().all(|t| !t.contains([',', '"', '\n'])));
        assert!(u16::try_from(TITLES).is_ok());
    }
}

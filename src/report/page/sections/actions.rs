//! What to do for each segment, by team, as the recipe says.

use crate::report::chart::{DataTable, Datum};
use crate::report::page::content::{Block, Section, Table};
use crate::report::page::facts::Facts;

/// A team's name has so many characters at most; longer words before a colon are part of the sentence.
const TEAM: usize = 30;

/// The section, if anybody wrote down actions.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let segments = facts.outcome.segments.iter().flatten();
    let all: Vec<(u32, Option<&str>, &str)> = segments
        .flat_map(|segment| {
            let actions = segment.persona.iter().flat_map(|persona| &persona.actions);
            actions.map(|action| {
                let (team, what) = by_team(action);
                (segment.segment, team, what)
            })
        })
        .collect();
    if all.is_empty() {
        return None;
    }
    let teams = all.iter().any(|(_, team, _)| team.is_some());
    let row = |(segment, team, what): &(u32, Option<&str>, &str)| {
        let mut row = vec![Datum::key(&facts.segment(*segment))];
        if teams {
            row.push(team.map_or_else(Datum::missing, Datum::text));
        }
        row.push(Datum::text(*what));
        row
    };
    let titles = ["segment", "team", "what to do"];
    let titles = titles.into_iter().filter(|title| teams || *title != "team");
    let data = DataTable {
        columns: titles.map(|title| (title.to_string(), false)).collect(),
        rows: all.iter().map(row).collect(),
    };
    let table = Table {
        id: "actions".into(),
        caption: "What would be done for each segment".into(),
        note: teams.then(|| "The heads of the columns sort the table, by team for instance.".into()),
        data,
    };
    Some(Section {
        id: "actions".into(),
        title: "What to do".into(),
        lead: Some("These are the words of whoever wrote the recipe; nothing here was computed.".into()),
        paint: None,
        blocks: vec![Block::Table(table)],
    })
}

/// An action's team, if it begins with one and a colon, and the rest of it.
fn by_team(action: &str) -> (Option<&str>, &str) {
    match action.split_once(": ") {
        Some((team, what)) if team.chars().count() <= TEAM && !what.trim().is_empty() => (Some(team), what),
        _ => (None, action),
    }
}

#[cfg(test)]
mod tests {
    use super::by_team;

    #[test]
    fn a_team_stands_before_a_colon() {
        assert_eq!(by_team("Career: interviews."), (Some("Career"), "interviews."));
        assert_eq!(by_team("Offer a mentor."), (None, "Offer a mentor."));
        assert_eq!(by_team("At 10:30 each day"), (None, "At 10:30 each day"));
        let long = "Whatever the segment did on its first day: remind them";
        assert_eq!(by_team(long), (None, long));
    }
}

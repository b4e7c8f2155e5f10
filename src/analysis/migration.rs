//! Who moved: the rows of last time and of now, joined by their ids.

use crate::model::LeftOut;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Where a row is: in a segment, or among the rows that were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// In the segment of this number.
    Segment(u32),
    /// Left out as an outlier.
    Outlier,
    /// Outside the population that the segments are for.
    Outside,
    /// In no segment, by the clustering method.
    Noise,
    /// Left out for another reason.
    Excluded,
}

impl State {
    /// The segment's number, if it is one.
    pub fn segment(self) -> Option<u32> {
        match self {
            State::Segment(segment) => Some(segment),
            State::Outlier | State::Outside | State::Noise | State::Excluded => None,
        }
    }

    /// Of a row of a table, given its segment and the rows that have none.
    pub fn of(row: usize, segment: Option<u32>, left_out: &LeftOut) -> Self {
        let among = |rows: &[u32]| u32::try_from(row).is_ok_and(|row| rows.binary_search(&row).is_ok());
        match segment {
            Some(segment) => State::Segment(segment),
            None if among(&left_out.outside) => State::Outside,
            None if among(&left_out.outliers) => State::Outlier,
            None if among(&left_out.noise) => State::Noise,
            None => State::Excluded,
        }
    }

    /// The word for it in the column `status` of the assignments.
    pub fn status(self) -> &'static str {
        match self {
            State::Segment(_) => "assigned",
            State::Outlier => "outlier",
            State::Outside => "outside",
            State::Noise => "noise",
            State::Excluded => "excluded",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Segment(segment) => write!(f, "{segment}"),
            other => f.write_str(other.status()),
        }
    }
}

/// A segment is a number, and the other states are words, as in the column `status` of the assignments.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            State::Segment(segment) => serializer.serialize_u32(*segment),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u32),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(segment) => Ok(State::Segment(segment)),
            Written::Word(word) => [State::Outlier, State::Outside, State::Noise, State::Excluded]
                .into_iter()
                .find(|state| state.status() == word)
                .ok_or_else(|| D::Error::custom(format!("{word} is no state of a row"))),
        }
    }
}

/// What last time's assignments say of a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its id is missing, or occurs more than once in one of the tables, so that nobody can tell.
    Unclear,
    /// It was not there.
    Came,
    /// It was there, in this state.
    Was(State),
}

/// The rows of a table beside those of last time.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The id column's name.
    pub id: String,
    /// For each row of the table, where it was.
    pub rows: Vec<Seen>,
    /// The ids that are no longer there, and where they were, in the order of last time's file.
    pub left: Vec<(String, State)>,
    /// The segments' names last time, by number.
    pub names: Vec<Option<String>>,
    /// How last time's rows could be joined.
    pub then: Joined,
    /// How the table's rows could be joined.
    pub now: Joined,
}

impl Followed {
    /// Whether these are the very rows of last time, each in the same place. `now` is where each is.
    pub fn nothing_changed(&self, now: &[State]) -> bool {
        let stayed = |(seen, state): (&Seen, &State)| *seen == Seen::Was(*state);
        self.left.is_empty() && self.rows.len() == now.len() && self.rows.iter().zip(now).all(stayed)
    }
}

/// How many rows of a table there are, and how many cannot be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Joined {
    /// The rows.
    pub rows: u64,
    /// How many of them have no id.
    pub without_id: u64,
    /// How many of them have an id that occurs more than once, in this table or in the other one.
    pub repeated_id: u64,
}

/// A row's partner in the other table.
#[derive(Clone, Copy)]
enum Place {
    Row(usize),
    /// The id occurs more than once.
    Repeated,
}

type Places<'a> = foldhash::HashMap<&'a str, Place>;

/// The row of each id that is not empty. Blanks around an id do not count.
fn places<'a>(ids: impl Iterator<Item = &'a str>) -> Places<'a> {
    let mut places = Places::default();
    for (row, id) in ids.enumerate().filter(|(_, id)| !id.is_empty()) {
        places.entry(id).and_modify(|place| *place = Place::Repeated).or_insert(Place::Row(row));
    }
    places
}

/// Joins last time's rows, given as ids and states, with those of a table by its ids. `names` are the segments' names last
/// time.
pub fn follow(
    (ids_then, states): (&[String], &[State]),
    names: Vec<Option<String>>,
    (id, ids_now): (&str, &[String]),
) -> Followed {
    let then = places(ids_then.iter().map(|id| id.trim()));
    let now = places(ids_now.iter().map(|id| id.trim()));
    let mut of_now = Joined { rows: ids_now.len() as u64, ..Joined::default() };
    let mut of_then = Joined { rows: ids_then.len() as u64, ..Joined::default() };
    let seen = |id: &String| {
        let id = id.trim();
        if id.is_empty() {
            of_now.without_id += 1;
            return Seen::Unclear;
        }
        match (now.get(id), then.get(id)) {
            (Some(Place::Repeated), _) | (_, Some(Place::Repeated)) => {
                of_now.repeated_id += 1;
                Seen::Unclear
            }
            (_, Some(Place::Row(row))) => states.get(*row).map_or(Seen::Came, |state| Seen::Was(*state)),
            (_, None) => Seen::Came,
        }
    };
    let rows = ids_now.iter().map(seen).collect();
    let mut left = Vec::new();
    for (id, &state) in ids_then.iter().zip(states) {
        let id = id.trim();
        match (then.get(id), now.get(id)) {
            _ if id.is_empty() => of_then.without_id += 1,
            (Some(Place::Repeated), _) | (_, Some(Place::Repeated)) => of_then.repeated_id += 1,
            (_, Some(Place::Row(_))) => {}
            (_, None) => left.push((id.to_string(), state)),
        }
    }
    Followed { id: id.to_string(), rows, left, names, then: of_then, now: of_now }
}

/// How many rows moved from which segment of an earlier model to which segment of this one.
///
/// If last time's assignments are at hand and both tables have ids, rows are followed by their ids. Otherwise the earlier
/// model labels the rows of the new table, and a row has moved if the new model puts it elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// The earlier model.
    pub from: String,
    /// The file of last time's assignments, if rows were followed by their ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The column by which rows were followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why rows were not followed by their ids, if they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_followed: Option<String>,
    /// The number of rows by old segment (outer) and new segment (inner).
    pub rows: Vec<Vec<u64>>,
    /// How many of the rows that are known from both times are where they were.
    pub stayed: u64,
    /// How many are elsewhere.
    pub moved: u64,
    /// The share of those that moved.
    pub share: f64,
    /// How many rows were not there last time; only if rows were followed by their ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came: Option<u64>,
    /// How many rows of last time are no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// The rows of last time: `stayed + moved + left`, and those that cannot be joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Joined>,
    /// The rows of now: `stayed + moved + came`, and those that cannot be joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Joined>,
    /// The moves, the most frequent first.
    pub moves: Vec<Move>,
}

/// Rows that went from one place to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Where they were.
    pub from: State,
    /// Where they are.
    pub to: State,
    /// How many.
    pub rows: u64,
    /// Their share of the rows that were in `from` and are known from both times.
    pub share: f64,
}

impl Migration {
    /// From counts by old and new segment, where the earlier model labelled the rows of the new table; `from` is the earlier
    /// model's file.
    pub fn new(from: String, rows: Vec<Vec<u64>>) -> Self {
        let mut counts = BTreeMap::new();
        for (old, row) in rows.iter().enumerate() {
            for (new, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                counts.insert((State::Segment(old as u32), State::Segment(new as u32)), count);
            }
        }
        Migration::counted(from, counts, rows)
    }

    /// Of rows that were followed by their ids, and where they are now; `k` is the number of segments.
    pub fn followed(from: String, previous: String, followed: &Followed, now: &[State], k: usize) -> Self {
        let mut counts: BTreeMap<(State, State), u64> = BTreeMap::new();
        let mut came = 0;
        for (seen, &state) in followed.rows.iter().zip(now) {
            match seen {
                Seen::Unclear => {}
                Seen::Came => came += 1,
                Seen::Was(old) => *counts.entry((*old, state)).or_default() += 1,
            }
        }
        let mut rows = vec![vec![0; k]; k];
        for ((old, new), &count) in &counts {
            if let (Some(old), Some(new)) = (old.segment(), new.segment())
                && let Some(cell) = rows.get_mut(old as usize).and_then(|row| row.get_mut(new as usize))
            {
                *cell = count;
            }
        }
        Migration {
            previous: Some(previous),
            id: Some(followed.id.clone()),
            came: Some(came),
            left: Some(followed.left.len() as u64),
            then: Some(followed.then),
            now: Some(followed.now),
            ..Migration::counted(from, counts, rows)
        }
    }

    fn counted(from: String, counts: BTreeMap<(State, State), u64>, rows: Vec<Vec<u64>>) -> Self {
        let mut known: BTreeMap<State, u64> = BTreeMap::new();
        counts.iter().for_each(|((old, _), count)| *known.entry(*old).or_default() += count);
        let all: u64 = counts.values().sum();
        let stays = |((old, new), _): &(&(State, State), &u64)| old == new;
        let stayed: u64 = counts.iter().filter(stays).map(|(_, count)| count).sum();
        let moved = counts.iter().filter(|pair| !stays(pair)).map(|(&(from, to), &rows)| {
            let share = rows as f64 / known.get(&from).copied().unwrap_or(0).max(1) as f64;
            Move { from, to, rows, share }
        });
        let mut moves: Vec<Move> = moved.collect();
        moves.sort_by(|a, b| b.rows.cmp(&a.rows).then((a.from, a.to).cmp(&(b.from, b.to))));
        Migration {
            from,
            previous: None,
            id: None,
            not_followed: None,
            rows,
            stayed,
            moved: all - stayed,
            share: (all - stayed) as f64 / all.max(1) as f64,
            came: None,
            left: None,
            then: None,
            now: None,
            moves,
        }
    }
}

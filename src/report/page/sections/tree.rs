//! The tree of a hierarchical method.

use super::parts::{axis, called, chart};
use crate::analysis::{LinkageFound, TreeNode};
use crate::report::chart::{Dendrogram, Key, Node, Paint, Unit};
use crate::report::figures::{count, percent};
use crate::report::linkage::sentences;
use crate::report::page::content::{Block, Figure, Section};
use crate::report::page::facts::Facts;

/// The section, if there is a tree: that of the fit, or else that of a method that the fit is compared with.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let (found, other) = tree(facts)?;
    let own = other.is_none() && facts.outcome.regrouped.is_none();
    let key = |segment: u32| match (own, other) {
        (true, _) => facts.segment(segment),
        (false, Some(_)) => Key { label: format!("cluster {segment}"), paint: Paint::Plain },
        (false, None) => Key { label: format!("segment {segment} of the fit"), paint: Paint::Plain },
    };
    let dendrogram = Dendrogram {
        axis: axis("height of the merge", Unit::Number),
        root: node(&found.tree, &key),
        cut: Some((found.cut.from, found.cut.below)),
    };
    let desc = "A tree whose leaves are segments; branches join at the height at which segments merge.";
    let groups = if other.is_some() { "clusters" } else { "segments" };
    let title = format!("Which {groups} are closest to each other");
    let figure = Figure::new("tree-of-segments", title, desc, &dendrogram);
    let note = format!(
        "The further out two branches join, the more their {groups} differ. The range of heights in which the tree can be cut into \
         this number of {groups} is {} of its height; the wider it is, the more it speaks for the number.",
        percent(found.cut.below.map_or(0.0, |below| below - found.cut.from) / found.tree.height)
    );
    let mut blocks = vec![chart(figure, &note), Block::Text(sentences(found))];
    if other.is_none() && facts.outcome.regrouped.is_some() {
        blocks.push(Block::Text("This is the tree of the fit, before segments were merged or split.".into()));
    }
    let lead = other.map(|name| {
        format!(
            "The tree is that of {}, which the fit is compared with; its clusters are not the segments of this report.",
            called(name)
        )
    });
    let title = match other {
        Some(name) => format!("How the clusters of {} merge", called(name)),
        None => "How the segments merge".into(),
    };
    Some(Section { id: "tree".into(), title, lead, paint: None, blocks })
}

/// The tree, and the name of the method if it is not that of the fit.
fn tree<'a>(facts: &Facts<'a>) -> Option<(&'a LinkageFound, Option<&'a str>)> {
    let own = facts.outcome.found.linkage.as_ref().map(|found| (found, None));
    own.or_else(|| {
        let methods = &facts.outcome.compare_methods.as_ref()?.methods;
        methods.iter().find_map(|one| Some((one.found.linkage.as_ref()?, Some(one.name.as_str()))))
    })
}

fn node(of: &TreeNode, key: &dyn Fn(u32) -> Key) -> Node {
    let children: Vec<Node> = of.children.iter().map(|child| node(child, key)).collect();
    let own = match (of.segment, children.is_empty()) {
        (Some(segment), _) => key(segment),
        (None, true) => Key { label: count(of.count_segments(), "segment"), paint: Paint::Plain },
        (None, false) => Key::default(),
    };
    Node { height: of.height, size: of.size, label: own.label, paint: own.paint, children }
}

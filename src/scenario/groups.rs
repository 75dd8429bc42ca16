//! `[[fleet.group]]`: fleets of several kinds of machines.

use crate::document::{Code, Reader};
use crate::fleet::{FleetSpec, GroupRole};

use super::resolve::{Job, Resolver};
use super::serving::Mode;

/// Most groups of a fleet.
const MOST_GROUPS: usize = 8;

/// A fleet of groups: the first one, with the others beside it.
pub(super) fn read(
    resolver: &mut Resolver<'_>,
    table: &Reader<'_>,
    path: &str,
    name: &str,
) -> Option<FleetSpec> {
    let groups = table.tables("group");
    for key in
        ["instance", "machine", "count", "region", "purchase", "replicas", "layout", "hosting", "models"]
    {
        if table.has(key) {
            let message = format!("`{key}` and groups exclude each other");
            let fault = table.fault(Code::Conflict, path, key, message);
            resolver.faults.push(fault.suggest("say it in each [[fleet.group]]"));
        }
    }
    if groups.is_empty() || groups.len() > MOST_GROUPS {
        let message = format!("a fleet has 1 to {MOST_GROUPS} groups");
        resolver.faults.push(table.fault(Code::OutOfRange, path, "group", message));
        return None;
    }
    let roles: Vec<GroupRole> =
        groups.iter().filter_map(|group| GroupRole::of(group.text("role")?)).collect();
    for (role, other) in [(GroupRole::Prefill, GroupRole::Decode), (GroupRole::Decode, GroupRole::Prefill)] {
        let at = roles.iter().position(|found| *found == role);
        if let Some(at) = at.filter(|_| roles.len() == groups.len() && !roles.contains(&other)) {
            let message = format!("a `{}` group needs a `{}` group beside it", role.word(), other.word());
            let path = format!("{path}.group[{at}]");
            let fault = groups[at].fault(Code::Conflict, &path, "role", message);
            resolver
                .faults
                .push(fault.suggest(format!("add a [[fleet.group]] with role = \"{}\"", other.word())));
        }
    }
    let read = |(index, group): (usize, &Reader<'_>)| {
        let path = format!("{path}.group[{index}]");
        let role = group.text("role").and_then(GroupRole::of);
        resolver.fleet(group, &path, name).map(|spec| FleetSpec { role, ..spec })
    };
    let found: Vec<Option<FleetSpec>> = groups.iter().enumerate().map(read).collect();
    let mut specs = found.into_iter().collect::<Option<Vec<FleetSpec>>>()?.into_iter();
    let first = specs.next()?;
    Some(FleetSpec { others: specs.collect(), ..first })
}

/// Groups are for inference online; what a group cannot be asked is told.
pub(super) fn check(resolver: &mut Resolver<'_>, document: &Reader<'_>, job: Option<&Job>) {
    let Some(job) = job else { return };
    for (index, fleet) in document.tables("fleet").iter().enumerate().filter(|(_, fleet)| fleet.has("group"))
    {
        let Some((message, suggestion)) = refused(job, fleet) else { continue };
        let fault = fleet.fault(Code::Conflict, &format!("fleet[{index}]"), "group", message);
        resolver.faults.push(fault.suggest(suggestion));
    }
}

/// Why this job cannot be done by groups.
fn refused(job: &Job, fleet: &Reader<'_>) -> Option<(&'static str, &'static str)> {
    let Job::Serving(spec) = job else {
        return Some((
            "groups are for inference; a training fleet is of one machine",
            "give the fleet an `instance`",
        ));
    };
    let split =
        fleet.tables("group").iter().any(|group| matches!(group.text("role"), Some("prefill" | "decode")));
    let bursts =
        fleet.tables("group").iter().filter(|group| group.text("role") == Some("burst")).count() == 1;
    if spec.mode != Mode::Online {
        Some(("groups serve requests as they come, in mode \"online\" only", "give the fleet an `instance`"))
    } else if split && !spec.is_language() {
        Some((
            "only language models read prompts and write answers apart",
            "roles of this model: base, burst, online",
        ))
    } else if spec.autoscaler.is_some() && !bursts {
        Some((
            "of a fleet of groups the burst group is scaled, and there is none",
            "leave out [workload.autoscale], or give one group the role \"burst\"",
        ))
    } else if !spec.losses.is_empty() {
        Some((
            "planned losses do not say of which group",
            "leave out [[workload.loss]], or give an `instance`",
        ))
    } else {
        None
    }
}

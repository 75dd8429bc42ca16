//! Names for what the table widget leaves without one.

use egui::accesskit::Role;

/// Tells screen readers which column each handle between two columns widens; `salt` is that of the table. Called after the
/// table was drawn, within the same `ui`.
pub(in crate::gui) fn name_handles(
    ui: &egui::Ui,
    salt: impl std::hash::Hash + std::fmt::Debug,
    names: impl Iterator<Item = String>,
) {
    // The table hashes its salt once before it makes an id of it.
    let handles = ui.scope_id().with(egui::IdSalt::new(salt)).with("resize_column");
    for (index, name) in names.enumerate() {
        let handle = handles.with(index);
        if ui.ctx().read_response(handle).is_some() {
            ui.ctx().accesskit_node_builder(handle, |node| {
                node.set_role(Role::Splitter);
                node.set_label(format!("Width of {name}"));
            });
        }
    }
}

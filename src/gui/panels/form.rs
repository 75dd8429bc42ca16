//! The scenario as a form, made from the registry of keys: what may be set, in words, with its default.

use egui::{CollapsingHeader, ComboBox, RichText, TextEdit};

use crate::document::{Default as Missing, Key, Kind, Node, Table, Value};
use crate::gui::app::App;
use crate::gui::command::Command;
use crate::scenario::registry_of;

/// What is being typed.
#[derive(Debug, Default)]
pub(in crate::gui) struct FormState {
    /// Key path and text of the field with the cursor.
    typing: Option<(String, String)>,
    /// Whether keys that are not set are shown.
    every: bool,
}

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let Some(document) = app.session.document() else { return };
    let Some(root) = &document.checked().root else {
        ui.label("The text has a fault; mend it in the text");
        return;
    };
    ui.checkbox(&mut app.panels.form.every, "Show keys that are not set");
    let mut form = Form { state: &mut app.panels.form, send: &mut app.send };
    form.table(ui, root, registry_of(root), "");
}

struct Form<'a> {
    state: &'a mut FormState,
    send: &'a mut Vec<Command>,
}

impl Form<'_> {
    fn table(&mut self, ui: &mut egui::Ui, node: &Node, table: &'static Table, path: &str) {
        for key in table.keys {
            let below = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            let value = node.get(key.name).map(|entry| &entry.node);
            if value.is_none() && !self.state.every {
                continue;
            }
            match (&key.kind, value) {
                (Kind::Tables(inner), Some(Node { value: Value::Array(items), .. })) => {
                    for (index, item) in items.iter().enumerate() {
                        self.entry(ui, item, inner, &format!("{below}[{index}]"), key.name, index);
                    }
                }
                (Kind::Table(inner), value) => {
                    let empty = Node { value: Value::Table(Vec::new()), origin: node.origin.clone() };
                    let shown = value.unwrap_or(&empty);
                    if !matches!(shown.value, Value::Table(_)) {
                        self.field(ui, key, value, &below);
                        continue;
                    }
                    CollapsingHeader::new(heading(key.name))
                        .id_salt(&below)
                        .default_open(path.is_empty() && value.is_some())
                        .show(ui, |ui| self.table(ui, shown, inner, &below))
                        .header_response
                        .on_hover_text(key.doc);
                }
                (_, value) => self.field(ui, key, value, &below),
            }
        }
    }

    fn entry(
        &mut self,
        ui: &mut egui::Ui,
        item: &Node,
        table: &'static Table,
        path: &str,
        list: &str,
        index: usize,
    ) {
        let name = item.get("name").and_then(|entry| entry.node.text()).unwrap_or("unnamed");
        CollapsingHeader::new(format!("{} {}: {name}", heading(list), index + 1))
            .id_salt(path)
            .default_open(index < 4)
            .show(ui, |ui| {
                self.table(ui, item, table, path);
                if list == "fleet" && ui.small_button("Remove this fleet").clicked() {
                    self.send.push(Command::RemoveFleet(index));
                }
            });
    }

    fn field(&mut self, ui: &mut egui::Ui, key: &'static Key, value: Option<&Node>, path: &str) {
        ui.horizontal(|ui| {
            let text = RichText::new(key.name.replace('_', " "));
            let label = ui.add_sized(
                [130.0, 18.0],
                egui::Label::new(if value.is_some() { text } else { text.weak() }).truncate(),
            );
            label.clone().on_hover_text(format!("{}\n{}", key.doc, key.kind.allowed()));
            match (&key.kind, value.map(|node| &node.value)) {
                (Kind::Boolean, _) => {
                    let default = matches!(key.default, Missing::Boolean(true));
                    let mut set = value.map_or(default, |node| matches!(node.value, Value::Boolean(true)));
                    if ui.checkbox(&mut set, "").labelled_by(label.id).changed() {
                        self.set(path, Some(set.to_string()));
                    }
                }
                (Kind::Choice(words), Some(Value::Text(chosen))) => {
                    self.choice(ui, path, words, chosen, label.id)
                }
                (Kind::Choice(words), None) => self.choice(ui, path, words, &hint(key), label.id),
                _ => self.typed(ui, key, value, path, label.id),
            }
            if value.is_some() && !matches!(key.default, Missing::Required) {
                let out = ui.small_button("×").on_hover_text(format!("Take {} out", key.name));
                if out.clicked() {
                    self.set(path, None);
                }
            }
        });
    }

    fn choice(&mut self, ui: &mut egui::Ui, path: &str, words: &[&str], chosen: &str, label: egui::Id) {
        let list = ComboBox::from_id_salt(path).selected_text(chosen).show_ui(ui, |ui| {
            for word in words {
                if ui.selectable_label(*word == chosen, *word).clicked() {
                    self.set(path, Some(format!("\"{word}\"")));
                }
            }
        });
        list.response.labelled_by(label);
    }

    /// A field of text: text and quantities without their quotes, everything else as TOML.
    fn typed(
        &mut self,
        ui: &mut egui::Ui,
        key: &'static Key,
        value: Option<&Node>,
        path: &str,
        label: egui::Id,
    ) {
        let plain = value.map_or_else(String::new, |node| match &node.value {
            Value::Text(text) => text.clone(),
            value => value.to_toml(),
        });
        let typing = self.state.typing.as_ref().filter(|(known, _)| known == path);
        let mut text = typing.map_or_else(|| plain.clone(), |(_, text)| text.clone());
        let field = TextEdit::singleline(&mut text).id_salt(path).hint_text(hint(key)).desired_width(150.0);
        let response = ui.add(field).labelled_by(label);
        if response.has_focus() {
            self.state.typing = Some((path.to_owned(), text.clone()));
        }
        if response.lost_focus() {
            self.state.typing = None;
            if text != plain {
                let value = (!text.trim().is_empty()).then(|| in_toml(&text, value, key));
                self.set(path, value);
            }
        }
    }

    fn set(&mut self, path: &str, value: Option<String>) {
        self.send.push(Command::Set { path: path.to_owned(), value });
    }
}

/// What was typed, quoted where the key takes text.
fn in_toml(typed: &str, old: Option<&Node>, key: &Key) -> String {
    let typed = typed.trim();
    let quoted = || serde_json::to_string(typed).unwrap_or_else(|_| format!("\"{typed}\""));
    let was_text = matches!(old.map(|node| &node.value), Some(Value::Text(_)));
    let structured = typed.starts_with(['[', '{', '"', '\'']);
    let number = typed.parse::<f64>().is_ok() || typed == "true" || typed == "false";
    match key.kind {
        Kind::Text => quoted(),
        _ if structured => typed.to_owned(),
        Kind::Quantity { .. } if !number || was_text => quoted(),
        _ if number => typed.to_owned(),
        _ => quoted(),
    }
}

fn heading(name: &str) -> String {
    let mut letters = name.replace('_', " ").chars().collect::<Vec<_>>();
    if let Some(first) = letters.first_mut() {
        *first = first.to_ascii_uppercase();
    }
    letters.into_iter().collect()
}

/// What the key is when it is not set.
fn hint(key: &Key) -> String {
    match key.default {
        Missing::Required => "required".to_owned(),
        Missing::Absent => String::new(),
        Missing::Text(text) | Missing::Derived(text) => text.to_owned(),
        Missing::Number(value) => value.to_string(),
        Missing::Count(value) => value.to_string(),
        Missing::Boolean(value) => value.to_string(),
    }
}

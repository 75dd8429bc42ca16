//! The scenario as a form, made from the registry of keys: what may be set, in words, with its default.

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{CollapsingHeader, ComboBox, RichText, TextEdit};

use crate::catalog::Catalog;
use crate::document::{Default as Missing, Key, Kind, Node, Table, Value};
use crate::gui::app::App;
use crate::gui::command::Command;
use crate::scenario::registry_of;

/// Keys that a planner changes first: shown although they are not set.
const USUAL: &[&str] = &[
    "objective",
    "objective.deadline",
    "objective.budget",
    "objective.minimize",
    "objective.latency_p99",
    "objective.ttft_p99",
    "objective.tpot_p99",
    "workload.kind",
    "workload.model",
    "workload.precision",
    "workload.global_batch",
    "workload.epochs",
    "workload.arrivals",
    "workload.arrivals.rate",
    "workload.batching",
    "workload.batching.max_batch",
    "workload.batching.max_sequences",
    "fleet",
    "fleet.name",
    "fleet.instance",
    "fleet.count",
    "fleet.region",
    "fleet.purchase",
];

/// Most entries of a list in the form; the text has them all.
const ENTRIES: usize = 100;

/// What is being typed.
#[derive(Debug, Default)]
pub(in crate::gui) struct FormState {
    /// Key path and text of the field with the cursor.
    typing: Option<(String, String)>,
    /// Whether keys that are not set are shown.
    every: bool,
    /// What is looked for among the names of the catalog.
    sought: String,
}

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let Some(document) = app.session.document() else { return };
    let Some(root) = &document.checked().root else {
        ui.label("The text has a fault; mend it in the text");
        return;
    };
    ui.checkbox(&mut app.panels.form.every, "Show keys that are not set");
    let serves = root.get("workload").and_then(|workload| workload.node.get("kind"));
    let serves = serves.and_then(|kind| kind.node.text()) == Some("inference");
    let catalog = app.session.catalog();
    let mut form = Form { state: &mut app.panels.form, send: &mut app.send, catalog, machine: None, serves };
    form.table(ui, root, registry_of(root), "");
}

struct Form<'a> {
    state: &'a mut FormState,
    send: &'a mut Vec<Command>,
    catalog: &'a Catalog,
    /// Machine type of the fleet being drawn, whose regions are offered.
    machine: Option<String>,
    /// Whether the scenario serves, so that latencies are asked for.
    serves: bool,
}

impl Form<'_> {
    fn shown(&self, path: &str) -> bool {
        // `fleet[2].count` is the key `fleet.count`.
        let steps = path.split('.').map(|step| step.split('[').next().unwrap_or_default());
        let plain = steps.collect::<Vec<_>>().join(".");
        let latency = plain.ends_with("_p99");
        self.state.every || (USUAL.contains(&plain.as_str()) && (self.serves || !latency))
    }

    fn table(&mut self, ui: &mut egui::Ui, node: &Node, table: &'static Table, path: &str) {
        for key in table.keys {
            let below = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            let value = node.get(key.name).map(|entry| &entry.node);
            if value.is_none() && !self.shown(&below) {
                continue;
            }
            match (&key.kind, value) {
                (Kind::Tables(inner), Some(Node { value: Value::Array(items), .. })) => {
                    for (index, item) in items.iter().enumerate().take(ENTRIES) {
                        self.machine =
                            item.get("instance").and_then(|entry| entry.node.text()).map(str::to_owned);
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
                        .default_open(path.is_empty() && (value.is_some() || USUAL.contains(&below.as_str())))
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
            let text = egui::Label::new(if value.is_some() { text } else { text.weak() }).truncate();
            let room = egui::Layout::left_to_right(egui::Align::Center);
            let label = ui.allocate_ui_with_layout([118.0, 18.0].into(), room, |ui| {
                ui.set_min_width(118.0);
                ui.add(text)
            });
            let label = label.inner;
            label.clone().on_hover_text(format!("{}\n{}", key.doc, key.kind.allowed()));
            match (offered(&key.kind), value.map(|node| &node.value)) {
                (_, _) if matches!(key.kind, Kind::Boolean) => {
                    let default = matches!(key.default, Missing::Boolean(true));
                    let mut set = value.map_or(default, |node| matches!(node.value, Value::Boolean(true)));
                    if ui.checkbox(&mut set, "").labelled_by(label.id).changed() {
                        self.set(path, Some(set.to_string()));
                    }
                }
                (Some(words), Some(Value::Text(chosen))) => self.choice(ui, path, words, chosen, label.id),
                (Some(words), None) => self.choice(ui, path, words, &hint(key), label.id),
                _ => self.typed(ui, key, value, path, label.id),
            }
            self.names(ui, path, value);
            if value.is_some() && !matches!(key.default, Missing::Required) {
                let words = format!("Take {} out", path.replace('_', " "));
                let out = ui.small_button("×").on_hover_text(&words);
                out.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &words));
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

    /// The names that the catalog has for a key, to choose from.
    fn names(&mut self, ui: &mut egui::Ui, path: &str, value: Option<&Node>) {
        let key = path.rsplit('.').next().unwrap_or_default();
        if !matches!(
            (key, value.map(|node| &node.value)),
            ("model" | "instance" | "region", None | Some(Value::Text(_)))
        ) {
            return;
        }
        let button = egui::Button::new("…").small();
        let config = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
        let (button, _) = MenuButton::from_button(button).config(config).ui(ui, |ui| {
            let label = ui.label("Part of the name");
            ui.text_edit_singleline(&mut self.state.sought).labelled_by(label.id);
            let sought = self.state.sought.to_lowercase();
            let known: Vec<&String> = match key {
                "model" => self.catalog.models.keys().collect(),
                "instance" => self.catalog.instances.keys().collect(),
                _ => {
                    let machine = self.machine.as_ref().and_then(|name| self.catalog.instances.get(name));
                    machine.iter().flat_map(|machine| &machine.offers).map(|offer| &offer.region).collect()
                }
            };
            let found: Vec<&&String> =
                known.iter().filter(|name| name.to_lowercase().contains(&sought)).collect();
            if found.is_empty() {
                ui.weak("Nothing of that name");
            }
            let mut chosen = None;
            egui::ScrollArea::vertical().max_height(260.0).show_rows(ui, 18.0, found.len(), |ui, rows| {
                for name in &found[rows] {
                    if ui.selectable_label(false, name.as_str()).clicked() {
                        chosen = Some(format!("\"{name}\""));
                        ui.close();
                    }
                }
            });
            if chosen.is_some() {
                self.state.sought.clear();
                self.set(path, chosen);
            }
        });
        let words = format!("Choose {}", path.replace('_', " "));
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &words));
        button.on_hover_text("Choose from the catalog");
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
        let field = TextEdit::singleline(&mut text)
            .id_salt(path)
            .hint_text(RichText::new(hint(key)).italics())
            .desired_width(150.0);
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

/// The words that may be chosen for a key.
fn offered(kind: &Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::Choice(words) => Some(words),
        // "One of these, or a list": a list is typed.
        Kind::Either([Kind::Choice(words), Kind::Texts]) => Some(words),
        _ => None,
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

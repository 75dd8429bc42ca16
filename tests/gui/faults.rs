//! Faults: told, with a way on, and nothing is lost.

use capplan::gui::{Command, OnDisk};

use super::Window;

#[test]
fn a_fault_stands_in_the_problems_with_its_place_and_goes_when_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.toml");
    std::fs::write(&path, "format = 1\n[workload]\nmodel = \"resnet-5\"\nglobal_batch = 256\nepochs = 1\n")
        .unwrap();
    let mut window = Window::open(Some(path.to_str().unwrap()));
    let problems = &window.session().document().unwrap().checked().problems;
    assert!(problems.iter().any(|problem| problem.place.map(|place| place.0) == Some(3)), "{problems:?}");
    assert!(window.sees("line 3, column"));
    window.send(Command::Run);
    assert!(window.sees("not run:"));
    window.send(Command::Set { path: "workload.model".to_owned(), value: Some("\"resnet-50\"".to_owned()) });
    let problems = &window.session().document().unwrap().checked().problems;
    assert!(!problems.iter().any(|problem| problem.key == "workload.model"), "{problems:?}");
}

#[test]
fn files_that_are_no_scenario_are_told_and_the_open_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("binary.toml"), [0xff, 0xfe, 0x00, 0x80]).unwrap();
    let huge = std::fs::File::create(at("huge.toml")).unwrap();
    huge.set_len(200 << 20).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    let mut window = Window::open(Some("example:chat"));
    for name in ["missing.toml", "binary.toml", "huge.toml", "folder"] {
        window.send(Command::Open(at(name)));
        let message = window.session().message().unwrap();
        assert!(message.fault, "{name}: {message:?}");
        assert!(window.session().document().unwrap().title().contains("chat"), "{name}");
    }
    window.send(Command::Open("example:nonsense".to_owned()));
    assert!(window.sees("there is no example"));
}

#[test]
fn unsaved_changes_are_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, capplan::catalog::example("chat").unwrap()).unwrap();
    let mut window = Window::open(Some(path.to_str().unwrap()));
    window.send(Command::Set { path: "seed".to_owned(), value: Some("7".to_owned()) });
    window.send(Command::Open("example:chat".to_owned()));
    assert!(window.sees("Unsaved changes"));
    window.click("Stay");
    assert!(window.text().contains("seed = 7"));
    window.send(Command::Open("example:resnet-online".to_owned()));
    window.click("Save");
    assert!(std::fs::read_to_string(&path).unwrap().contains("seed = 7"), "not saved");
    assert!(window.session().document().unwrap().title().contains("resnet-online"));
}

#[test]
fn a_file_changed_by_another_program_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, capplan::catalog::example("chat").unwrap()).unwrap();
    let mut window = Window::open(Some(path.to_str().unwrap()));
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(&path, capplan::catalog::example("chat").unwrap().replace("seed = 42", "seed = 43"))
        .unwrap();
    window.until("the change is noticed", |session| session.document().unwrap().on_disk() == OnDisk::Changed);
    window.click("Read it again");
    assert!(window.text().contains("seed = 43"));
}

#[test]
fn a_file_removed_by_another_program_is_noticed_and_counts_as_unsaved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, capplan::catalog::example("chat").unwrap()).unwrap();
    let mut window = Window::open(Some(path.to_str().unwrap()));
    std::fs::remove_file(&path).unwrap();
    window.until("it is noticed", |session| session.document().unwrap().on_disk() == OnDisk::Gone);
    window.send(Command::New);
    assert!(window.sees("Unsaved changes"));
    window.click("Stay");
    window.click("Write it again");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), window.text());
    assert_eq!(window.session().document().unwrap().on_disk(), OnDisk::Same);
}

#[test]
fn two_windows_on_one_file_do_not_undo_each_other_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, capplan::catalog::example("chat").unwrap()).unwrap();
    let (mut one, mut other) =
        (Window::open(Some(path.to_str().unwrap())), Window::open(Some(path.to_str().unwrap())));
    let seed = |value: &str| Command::Set { path: "seed".to_owned(), value: Some(value.to_owned()) };
    std::thread::sleep(std::time::Duration::from_millis(20));
    one.send(seed("101"));
    one.send(Command::Save);
    other.send(seed("102"));
    other.send(Command::Save);
    assert!(other.sees("was changed by another program"));
    other.click("Do not save");
    assert!(std::fs::read_to_string(&path).unwrap().contains("seed = 101"));
    // Leaving the scenario is no way round.
    other.send(Command::New);
    other.click("Save");
    other.click("Do not save");
    assert!(std::fs::read_to_string(&path).unwrap().contains("seed = 101"));
    other.send(Command::Save);
    other.click("Write over it");
    assert!(std::fs::read_to_string(&path).unwrap().contains("seed = 102"));
    one.until("it is noticed", |session| session.document().unwrap().on_disk() == OnDisk::Changed);
}

#[test]
fn changes_given_up_for_a_file_that_cannot_be_opened_still_count_as_unsaved() {
    let mut window = Window::open(Some("example:chat"));
    window.send(Command::Set { path: "seed".to_owned(), value: Some("7".to_owned()) });
    window.send(Command::Open("/nonsense/missing.toml".to_owned()));
    window.click("Give them up");
    assert!(window.session().message().unwrap().fault);
    assert!(window.text().contains("seed = 7") && window.session().document().unwrap().unsaved());
    window.send(Command::New);
    assert!(window.sees("Unsaved changes"), "lost without a question");
}

#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("nobody reads it this way".to_owned())
    }
}

#[test]
fn dropped_files_are_opened_and_dropped_folders_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, capplan::catalog::example("chat").unwrap()).unwrap();
    let mut window = Window::open(None);
    window.drop_file(std::sync::Arc::new(Dropped(folder.path().to_owned())));
    assert!(window.session().message().unwrap().fault && window.session().document().is_none());
    window.drop_file(std::sync::Arc::new(Dropped(path.clone())));
    assert_eq!(window.session().document().unwrap().path(), Some(path.as_path()));
}

#[test]
#[cfg(unix)]
fn a_pipe_is_told_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut window = Window::open(None);
    window.send(Command::Open(pipe.display().to_string()));
    assert!(window.session().message().unwrap().fault);
}

#[test]
fn a_path_is_asked_before_a_file_is_replaced_and_a_folder_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken.toml");
    std::fs::write(&taken, "precious").unwrap();
    let mut window = Window::open(Some("example:chat"));
    window.send(Command::AskPath(capplan::gui::Purpose::Save));
    window.type_into("Path", taken.to_str().unwrap());
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "precious");
    window.click("Replace it");
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), window.text());
    window.send(Command::SaveAs(folder.path().join("missing").join("x.toml")));
    assert!(window.sees("not saved"));
}

#[test]
fn an_edit_during_a_run_leaves_its_result_marked_as_older() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.send(Command::Set { path: "workload.epochs".to_owned(), value: Some("3".to_owned()) });
    window.until("the run is done", |session| session.shown().is_some());
    assert!(window.session().stale());
    assert!(window.sees("older than the scenario"));
}

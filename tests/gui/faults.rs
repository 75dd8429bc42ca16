//! Faults: told, with a way on, and nothing is lost.

use capplan::gui::Command;

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
    window.until("the change is noticed", |session| session.document().unwrap().changed_on_disk());
    window.click("Read it again");
    assert!(window.text().contains("seed = 43"));
}

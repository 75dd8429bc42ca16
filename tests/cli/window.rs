//! `capplan gui` where there is no window to be had: told in words, with the way that works.

use super::capplan;

/// The program without any display.
fn dark() -> assert_cmd::Command {
    let mut program = capplan();
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        program.env_remove(name);
    }
    program
}

fn fails(arguments: &[&str], display: Option<&str>, status: i32) -> String {
    let mut program = dark();
    program.args(arguments);
    if let Some(display) = display {
        program.env("DISPLAY", display);
    }
    let output = program.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {told}");
    assert!(!told.contains("panicked"), "{told}");
    assert!(output.stdout.is_empty());
    told
}

#[test]
#[cfg(all(unix, not(target_os = "macos")))]
fn without_a_display_the_command_line_is_named() {
    // None set, one set to nothing, and one where nobody listens.
    for display in [None, Some(""), Some(":4093")] {
        let told = fails(&["gui", "example:chat"], display, 5);
        assert!(told.contains("capplan simulate"), "{display:?}: {told}");
    }
}

#[test]
fn a_renderer_that_was_not_built_in_and_unknown_views_are_told() {
    #[cfg(not(feature = "gui-wgpu"))]
    assert!(fails(&["gui", "--renderer", "wgpu"], None, 2).contains("without the renderer wgpu"));
    let told = fails(&["gui", "--show", "nonsense"], None, 2);
    assert!(told.contains("`nonsense`") && told.contains("pareto"), "{told}");
    for size in ["huge", "1x1", "99999x800", "1280", "1280x800x24"] {
        assert!(fails(&["gui", "--size", size], None, 2).contains("WIDTHxHEIGHT"), "{size}");
    }
}

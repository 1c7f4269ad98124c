//! Starts every program of the tour in both frameworks, and visits it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::process::Command;

use support::{Browser, Program, in_both};

#[test]
fn login_is_remembered_on_request_until_logout() {
    in_both("login", |_program, mut browser| {
        assert_eq!(browser.get("/").text, "Please log in\n");
        let refused = browser.post("/login", &[("user", "ada"), ("password", "byron")]);
        assert_eq!((refused.status, refused.set_cookie), (403, None));

        let login = [("user", "ada"), ("password", "lovelace")];
        let brief = browser.post("/login", &login);
        assert_eq!((brief.status, brief.location.as_deref()), (303, Some("/")));
        assert!(!brief.set_cookie.unwrap().contains("Expires="));
        let before = browser.cookie.clone();

        let remembered = browser.post("/login", &[login[0], login[1], ("remember", "on")]);
        assert!(remembered.set_cookie.unwrap().contains("Expires="));
        assert_ne!(browser.cookie, before, "a login gives a new id");
        assert_eq!(browser.get("/").text, "Hello, ada\n");

        let old = browser.cookie.clone();
        assert!(browser.post("/logout", &[]).set_cookie.unwrap().starts_with("session=;"));
        browser.cookie = old;
        assert_eq!(browser.get("/").text, "Please log in\n", "the old cookie is worth nothing");
    });
}

#[test]
fn handler_behind_middleware_needs_user() {
    in_both("user", |_program, mut browser| {
        let stranger = browser.get("/account");
        assert_eq!((stranger.status, stranger.text.as_str()), (401, "Please log in\n"));
        assert_eq!(stranger.vary.as_deref(), Some("Cookie"));
        assert_eq!(browser.post("/login/2", &[]).location.as_deref(), Some("/account"));
        assert_eq!(browser.get("/account").text, "The account of Grace\n");
        browser.post("/login/3", &[]);
        assert_eq!(browser.get("/account").status, 401, "no user has this id");
    });
}

#[test]
fn cart_is_filled_and_emptied() {
    in_both("cart", |_program, mut browser| {
        assert_eq!(browser.get("/").text, "0 in your cart: \n");
        browser.post("/add/tea", &[]);
        browser.post("/add/milk", &[]);
        assert_eq!(browser.get("/").text, "2 in your cart: tea, milk\n");
        assert_eq!(browser.post("/empty", &[]).status, 303);
        assert_eq!(browser.get("/").text, "0 in your cart: \n");
    });
}

#[test]
fn messages_are_shown_once_and_by_category() {
    in_both("flash", |_program, mut browser| {
        browser.post("/save", &[]);
        let warnings = "warning: Your address is incomplete\n";
        let others = "info: Your profile is saved\nmessage: See you soon\n";
        assert_eq!(browser.get("/").text, format!("{warnings}---\n{others}"));
        assert_eq!(browser.get("/").text, "---\n");
    });
}

#[test]
fn new_key_keeps_logins_while_old_key_verifies() {
    const OLD: &str = "the-old-test-key-7Qd0pXw4ZrLk9Vm2Bn8";
    const NEW: &str = "the-new-test-key-Ys5Tc1Hf6Gj3Kd0Wq9Ae";
    for framework in ["axum", "actix"] {
        let visit = |cookie: Option<String>, environment: &[(&str, &str)]| {
            let program = Program::start(framework, "keys", environment);
            let mut browser = Browser::new(&program);
            browser.cookie = cookie;
            let text = browser.get("/").text;
            (text, browser.cookie)
        };
        let (text, old) = visit(None, &[("SECRET_KEY", OLD)]);
        assert_eq!(text, "Visit number 1\n");
        let (text, new) = visit(old.clone(), &[("SECRET_KEY", NEW), ("OLD_SECRET_KEY", OLD)]);
        assert_eq!(text, "Visit number 2\n");
        assert_eq!(
            visit(new, &[("SECRET_KEY", NEW)]).0,
            "Visit number 3\n",
            "signed with the new key meanwhile"
        );
        assert_eq!(
            visit(old, &[("SECRET_KEY", NEW)]).0,
            "Visit number 1\n",
            "the old key is dropped"
        );
    }
}

#[test]
fn third_party_store_keeps_sessions() {
    in_both("backend", |program, mut browser| {
        for number in 1..4 {
            assert_eq!(browser.get("/").text, format!("Visit number {number}\n"));
        }
        assert_eq!(Browser::new(&program).get("/").text, "Visit number 1\n");
    });
}

#[test]
fn write_without_key_logs_missing_setting() {
    in_both("null", |program, mut browser| {
        assert_eq!(browser.get("/").text, "The theme is light\n");
        let refused = browser.post("/dark", &[]);
        assert_eq!((refused.status, refused.set_cookie), (500, None));
        assert!(!refused.text.contains("SECRET_KEY"), "{}", refused.text);
        assert_eq!(browser.get("/").text, "The theme is light\n");
        let log = program.end();
        assert!(log.contains("set SECRET_KEY to keep sessions"), "{log}");
    });
}

#[test]
fn write_with_key_is_stored() {
    for framework in ["axum", "actix"] {
        let program = Program::start(
            framework,
            "null",
            &[("SECRET_KEY", "c81d7e02f5a946b3908fe2d41b7a65c3")],
        );
        let mut browser = Browser::new(&program);
        assert_eq!(browser.post("/dark", &[]).status, 200);
        assert_eq!(browser.get("/").text, "The theme is dark\n");
    }
}

#[test]
fn response_varies_by_cookie_if_session_was_obtained() {
    in_both("vary", |_program, mut browser| {
        browser.post("/login", &[]);
        for (path, text, vary) in [
            ("/", "All books\n", None),
            ("/mine", "The books of Ada\n", Some("Cookie")),
            ("/price", "The list price is 30\n", None),
            ("/price?personal", "Your price is 25\n", Some("Cookie")),
        ] {
            let page = browser.get(path);
            assert_eq!(
                (page.text.as_str(), page.vary.as_deref(), page.set_cookie),
                (text, vary, None),
                "{path}"
            );
        }
    });
}

#[test]
fn unknown_program_is_refused_with_list() {
    for arguments in [&["flask", "cart"][..], &["axum", "trolley"], &["actix", ""], &["axum"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tour"));
        let output = command.args(arguments).env_clear().output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success()
                && complaint.contains("usage: tour <axum|actix> <backend|cart|"),
            "{complaint}"
        );
    }
}

#[test]
fn tour_without_arguments_lists_its_programs() {
    let output = Command::new(env!("CARGO_BIN_EXE_tour")).env_clear().output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    assert!(list.starts_with("usage: tour <axum|actix> <backend|cart|"), "{list}");
    for program in ["backend", "cart", "flash", "keys", "login", "null", "user", "vary"] {
        assert!(list.contains(&format!("\n  {program} ")), "{program} is not in {list}");
    }
}

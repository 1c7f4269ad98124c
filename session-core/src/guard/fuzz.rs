//! Mutated next pages. An accepted page is a path of this application.

use fuzzing::Fuzz;

use super::next::{Next, local_path};

#[test]
fn fuzzed_next_page_is_local_or_refused() {
    let samples = ["/orders?page=2#a", "/", "/a%20b/%25", "/caf\u{e9}?next=//a", "//evil.example"];
    let words = ["/", "\\", "%2f", "%5C", "%255c", "%", "?", "#", ":", "@", "\t", "\n", "\u{85}"];
    Fuzz::new("next page", samples).words(&words).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("next", text).finish();
        let page = local_path(text);
        assert_eq!(Next::from_query(Some(&query)).path(), page.as_deref());
        let Some(page) = page else { return false };
        let path = page.split(['?', '#']).next().unwrap();
        assert!(path.starts_with('/') && !path.contains("//") && !path.contains('\\'), "{page}");
        assert!(page.bytes().all(|byte| byte.is_ascii_graphic()), "{page}");
        assert_eq!(local_path(&page).as_ref().or(Some(&page)), Some(&page));
        true
    });
}

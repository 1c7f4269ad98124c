//! The number of records that a search for one session loads.

use crate::owners::{handle_of, is_live};
use crate::store::Call::Load;
use crate::support::{App, log_in};

const SESSIONS: usize = 250;
const PAGE: usize = 100;

#[tokio::test]
async fn end_loads_pages_and_stops_at_match() {
    let app = App::new();
    let mut cookies = Vec::new();
    for _ in 0..SESSIONS {
        cookies.push(app.begin(log_in).await);
    }
    let mut pages = [0; SESSIONS.div_ceil(PAGE)];
    for (ended, cookie) in cookies.iter().enumerate().take(60) {
        let handle = handle_of(&app, cookie).await.unwrap();
        app.store.take_calls();
        assert!(app.owners.end("ada", &handle).await.unwrap());
        let loads = app.store.take_calls().into_iter().filter(|call| *call == Load).count();
        assert!(loads % PAGE == 0 || loads == SESSIONS - ended, "{loads} loads");
        pages[loads.div_ceil(PAGE) - 1] += 1;
        assert!(!is_live(&app, cookie).await);
    }
    assert!(pages[0] > 0 && pages[1] > 0, "{pages:?}");
}

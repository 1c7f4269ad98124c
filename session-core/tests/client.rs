//! The client of `testing`: what it sends, what it keeps, and where redirects lead it.

use session_core::testing::{Answer, Application, Request, TestClient};
use session_core::{Error, ErrorKind, NullSessions};

fn client<A: Application>(application: A) -> TestClient<A> {
    TestClient::new(application, NullSessions::new("no sessions"))
}

/// Answers with what came in.
fn echo(request: &Request) -> Answer {
    let header = |name| request.headers().find(|header| header.0 == name).map_or("-", |header| header.1);
    let body = String::from_utf8_lossy(request.body());
    Answer::new(200).with_body(format!(
        "{} {} {} {} {body}",
        request.method(),
        header("host"),
        request.path(),
        header("cookie")
    ))
}

/// Redirects from `/` to this location, and echoes at all other paths.
fn redirecting(status: u16, location: &'static str) -> impl Application {
    async move |request: Request| -> Result<Answer, Error> {
        Ok(match request.path() {
            "/" => Answer::new(status).with_header("Location", location),
            _ => echo(&request),
        })
    }
}

#[tokio::test]
async fn a_redirect_is_followed_as_browsers_do() {
    for (status, method, expected) in [
        (301, "POST", "GET localhost /there?page=2 - "),
        (302, "POST", "GET localhost /there?page=2 - "),
        (302, "PUT", "PUT localhost /there?page=2 - form"),
        (303, "PUT", "GET localhost /there?page=2 - "),
        (303, "HEAD", "HEAD localhost /there?page=2 - form"),
        (307, "POST", "POST localhost /there?page=2 - form"),
        (308, "PUT", "PUT localhost /there?page=2 - form"),
    ] {
        let mut client = client(redirecting(status, "/there?page=2#top"));
        let answer = client.send(Request::new(method, "/").with_body("form")).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(client.follow(answer).await.unwrap().text(), expected, "{status} {method}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_the_browser_there_without_its_cookies() {
    for (location, expected) in [
        ("http://other.example/there", "GET other.example /there - "),
        ("https://other.example:8443?next=/cart", "GET other.example:8443 /?next=/cart - "),
        ("//other.example/there", "GET other.example /there - "),
        ("/there?next=http://other.example/", "GET localhost /there?next=http://other.example/ theme=dark "),
    ] {
        let mut client = client(redirecting(303, location));
        client.browser_mut().receive("/", "theme=dark").unwrap();
        let answer = client.get("/").await.unwrap();
        assert_eq!(client.follow(answer).await.unwrap().text(), expected, "{location}");
        client.browser_mut().go_to("https://localhost").unwrap();
        assert_eq!(client.get("/back").await.unwrap().text(), "GET localhost /back theme=dark ", "{location}");
    }
}

#[tokio::test]
async fn redirects_without_end_or_target_are_errors() {
    for location in ["/", "there", "ftp://other.example/", "https://", ""] {
        let mut client = client(redirecting(303, location));
        let answer = client.get("/").await.unwrap();
        assert_eq!(client.follow(answer).await.unwrap_err().kind(), ErrorKind::Backend, "{location:?}");
    }
}

#[tokio::test]
async fn ten_redirects_are_followed_and_no_more() {
    let countdown = async |request: Request| {
        let left: u32 = request.path()[1..].parse().unwrap();
        Ok(match left.checked_sub(1) {
            Some(left) => Answer::new(302).with_header("location", format!("/{left}")),
            None => Answer::new(200),
        })
    };
    let mut client = client(countdown);
    let answer = client.get("/10").await.unwrap();
    assert_eq!(client.follow(answer).await.unwrap().status(), 200);
    let answer = client.get("/11").await.unwrap();
    assert_eq!(client.follow(answer).await.unwrap_err().kind(), ErrorKind::Backend);
}

#[tokio::test]
async fn an_answer_that_is_no_redirect_is_handed_back() {
    for answer in [Answer::new(200), Answer::new(302), Answer::new(304).with_header("location", "/there")] {
        let mut client = client(redirecting(303, "/there"));
        let status = answer.status();
        assert_eq!(client.follow(answer).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_redirected_request_keeps_its_own_headers_and_gets_the_cookies_of_where_it_comes_to() {
    let mut client = client(async |request: Request| {
        let headers: Vec<_> = request.headers().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = Answer::new(if request.path() == "/" { 307 } else { 200 }).with_body(headers.join(" "));
        Ok(answer.with_header("location", "/there").with_header("set-cookie", "seen=1; Path=/there"))
    });
    let request = Request::new("POST", "/").with_header("x-own", "1").with_header("Host", "elsewhere.example");
    let answer = client.send(request).await.unwrap();
    assert_eq!(answer.text(), "x-own=1 host=localhost");
    assert_eq!(client.follow(answer).await.unwrap().text(), "x-own=1 host=localhost cookie=seen=1");
}

#[tokio::test]
async fn every_cookie_of_a_response_is_kept_but_those_that_browsers_drop() {
    let mut client = client(async |request: Request| {
        let answer = echo(&request).with_header("Set-Cookie", "a=1").with_header("set-cookie", "b=2; Domain=x.example");
        Ok(answer.with_header("set-cookie", "c=3"))
    });
    client.get("/").await.unwrap();
    assert_eq!(client.get("/echo").await.unwrap().text(), "GET localhost /echo a=1; c=3 ");
}

#[tokio::test]
async fn a_path_that_is_none_reaches_no_application() {
    let mut client = client(async |_: Request| Err(Error::new(ErrorKind::Backend, "was reached")));
    for path in ["", "cart", "https://localhost/cart"] {
        assert_eq!(client.get(path).await.unwrap_err().kind(), ErrorKind::Configuration, "{path}");
    }
    assert_eq!(client.get("/cart").await.unwrap_err().kind(), ErrorKind::Backend);
}

#[tokio::test]
async fn what_the_client_shows_of_itself_holds_no_cookie() {
    let mut client = client(async |_: Request| Ok(Answer::new(200).with_header("set-cookie", "session=secret-value")));
    let answer = client.send(Request::new("GET", "/").with_header("x-token", "secret-value")).await.unwrap();
    let request = Request::new("GET", "/").with_header("cookie", "secret-value").with_body("secret-value");
    let shown = format!("{client:?} {answer:?} {request:?}");
    assert!(shown.contains("\"session\"") && !shown.contains("secret-value"), "{shown}");
}

//! The client: the requests it sends, the cookies it stores and the redirects it follows.

use session_core::interface::NullSessions;
use session_core::{Error, ErrorKind};
use session_testing::{Application, Request, TestClient, TestResponse};

fn client<A: Application>(application: A) -> TestClient<A> {
    TestClient::new(application, NullSessions::new("no sessions"))
}

/// Responds with the contents of the request.
fn echo(request: &Request) -> TestResponse {
    let header =
        |name| request.headers().find(|header| header.0 == name).map_or("-", |header| header.1);
    let body = String::from_utf8_lossy(request.body());
    TestResponse::new(200).with_body(format!(
        "{} {} {} {} {body}",
        request.method(),
        header("host"),
        request.path(),
        header("cookie")
    ))
}

/// Redirects from `/` to this location, and echoes at all other paths.
fn redirecting(status: u16, location: &'static str) -> impl Application {
    async move |request: Request| -> Result<TestResponse, Error> {
        Ok(match request.path() {
            "/" => TestResponse::new(status).with_header("Location", location),
            _ => echo(&request),
        })
    }
}

#[tokio::test]
async fn redirects_are_followed_as_by_browsers() {
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
        let response = client.send(Request::new(method, "/").with_body("form")).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(client.follow(response).await.unwrap().text(), expected, "{status} {method}");
    }
}

#[tokio::test]
async fn redirect_to_other_host_moves_browser_without_its_cookies() {
    for (location, expected) in [
        ("http://other.example/there", "GET other.example /there - "),
        ("https://other.example:8443?next=/cart", "GET other.example:8443 /?next=/cart - "),
        ("//other.example/there", "GET other.example /there - "),
        (
            "/there?next=http://other.example/",
            "GET localhost /there?next=http://other.example/ theme=dark ",
        ),
    ] {
        let mut client = client(redirecting(303, location));
        client.browser_mut().receive("/", "theme=dark").unwrap();
        let response = client.get("/").await.unwrap();
        assert_eq!(client.follow(response).await.unwrap().text(), expected, "{location}");
        client.browser_mut().go_to("https://localhost").unwrap();
        assert_eq!(
            client.get("/back").await.unwrap().text(),
            "GET localhost /back theme=dark ",
            "{location}"
        );
    }
}

#[tokio::test]
async fn endless_and_invalid_redirects_are_errors() {
    for location in ["/", "there", "ftp://other.example/", "https://", ""] {
        let mut client = client(redirecting(303, location));
        let response = client.get("/").await.unwrap();
        assert_eq!(
            client.follow(response).await.unwrap_err().kind(),
            ErrorKind::Backend,
            "{location:?}"
        );
    }
}

#[tokio::test]
async fn follow_stops_after_ten_redirects() {
    let countdown = async |request: Request| {
        let left: u32 = request.path()[1..].parse().unwrap();
        Ok(match left.checked_sub(1) {
            Some(left) => TestResponse::new(302).with_header("location", format!("/{left}")),
            None => TestResponse::new(200),
        })
    };
    let mut client = client(countdown);
    let response = client.get("/10").await.unwrap();
    assert_eq!(client.follow(response).await.unwrap().status(), 200);
    let response = client.get("/11").await.unwrap();
    assert_eq!(client.follow(response).await.unwrap_err().kind(), ErrorKind::Backend);
}

#[tokio::test]
async fn follow_returns_other_responses_unchanged() {
    for response in [
        TestResponse::new(200),
        TestResponse::new(302),
        TestResponse::new(304).with_header("location", "/there"),
    ] {
        let mut client = client(redirecting(303, "/there"));
        let status = response.status();
        assert_eq!(client.follow(response).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn redirected_request_keeps_headers_and_gets_target_cookies() {
    let mut client = client(async |request: Request| {
        let headers: Vec<_> =
            request.headers().map(|(name, value)| format!("{name}={value}")).collect();
        let response = TestResponse::new(if request.path() == "/" { 307 } else { 200 })
            .with_body(headers.join(" "));
        Ok(response
            .with_header("location", "/there")
            .with_header("set-cookie", "seen=1; Path=/there"))
    });
    let request = Request::new("POST", "/")
        .with_header("x-own", "1")
        .with_header("Host", "elsewhere.example");
    let response = client.send(request).await.unwrap();
    assert_eq!(response.text(), "x-own=1 host=localhost");
    assert_eq!(
        client.follow(response).await.unwrap().text(),
        "x-own=1 host=localhost cookie=seen=1"
    );
}

#[tokio::test]
async fn all_cookies_are_stored_except_rejected_ones() {
    let mut client = client(async |request: Request| {
        let response = echo(&request)
            .with_header("Set-Cookie", "a=1")
            .with_header("set-cookie", "b=2; Domain=x.example");
        Ok(response.with_header("set-cookie", "c=3"))
    });
    client.get("/").await.unwrap();
    assert_eq!(client.get("/echo").await.unwrap().text(), "GET localhost /echo a=1; c=3 ");
}

#[tokio::test]
async fn invalid_path_does_not_reach_application() {
    let mut client = client(async |_: Request| Err(Error::new(ErrorKind::Backend, "was reached")));
    for path in ["", "cart", "https://localhost/cart"] {
        assert_eq!(client.get(path).await.unwrap_err().kind(), ErrorKind::Configuration, "{path}");
    }
    assert_eq!(client.get("/cart").await.unwrap_err().kind(), ErrorKind::Backend);
}

#[tokio::test]
async fn debug_output_contains_no_cookie() {
    let mut client = client(async |_: Request| {
        Ok(TestResponse::new(200).with_header("set-cookie", "session=secret-value"))
    });
    let response =
        client.send(Request::new("GET", "/").with_header("x-token", "secret-value")).await.unwrap();
    let request =
        Request::new("GET", "/").with_header("cookie", "secret-value").with_body("secret-value");
    let shown = format!("{client:?} {response:?} {request:?}");
    assert!(shown.contains("\"session\"") && !shown.contains("secret-value"), "{shown}");
}

//! The tokens of Flask-WTF.

use session_core::ManualClock;
use session_core::csrf::CsrfConfigBuilder;
use session_testing::{Application, TestClient};

use super::{FORM, VISITOR, post, request, send_form, token};
use crate::on_every_application;

async fn referers<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let token = token(client).await;
    assert_eq!(send_form(client, &token).await, 403, "no referer");
    let form = format!("csrf_token={token}");
    for (referer, status) in [
        ("https://shop.example.com/form?page=2", 200),
        ("https://shop.example.com", 200),
        ("http://shop.example.com/", 403),
        ("https://shop.example.com:8443/", 403),
        ("https://shop.example.com.evil.example/", 403),
        ("https://evil.example/https://shop.example.com/", 403),
        ("", 403),
    ] {
        let headers = [("content-type", FORM), ("referer", referer)];
        let request = request("POST", "/echo", &headers).with_body(form.as_str());
        assert_eq!(client.send(request).await.unwrap().status(), status, "{referer}");
    }
}

#[actix_web::test]
async fn flask_wtf_needs_referer_on_https() {
    on_every_application!(referers, |config: CsrfConfigBuilder| {
        config.flask_wtf().own_origin("https://shop.example.com")
    });
}

async fn tokens<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let visitor = token(client).await;
    assert_eq!(client.browser().cookie(VISITOR), None, "the secret is in the session");
    assert_eq!(send_form(client, &visitor).await, 200);
    post(client, "/login", "ada").await;
    assert_eq!(send_form(client, &visitor).await, 403, "a token from before the login");
    let user = token(client).await;
    assert_eq!(send_form(client, &user).await, 200);
    post(client, "/logout", "").await;
    assert_eq!(send_form(client, &user).await, 403, "a token from before the logout");
}

#[actix_web::test]
async fn flask_wtf_token_is_of_one_login() {
    on_every_application!(tokens, |config: CsrfConfigBuilder| config.flask_wtf());
}

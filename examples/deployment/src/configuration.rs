//! The configuration files of nginx and Prometheus.

use std::path::Path;

/// Returns the configuration of nginx in front of the shops at these ports.
///
/// nginx waits for a response for 10 seconds, because a save may take five seconds. It sends a form
/// to the other shop only if the first shop refused the connection.
pub(crate) fn nginx(folder: &Path, port: u16, shops: &[u16]) -> String {
    let folder = folder.display();
    let servers: Vec<String> = shops
        .iter()
        .map(|shop| format!("server 127.0.0.1:{shop} max_fails=1 fail_timeout=1s;"))
        .collect();
    let servers = servers.join("\n        ");
    format!(
        "daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream shops {{
        {servers}
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        location = /metrics {{ return 404; }}
        location = /health {{ return 404; }}
        location / {{
            proxy_pass http://shops;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection \"\";
            proxy_connect_timeout 1s;
            proxy_read_timeout 10s;
        }}
    }}
}}
"
    )
}

/// Returns the configuration of Prometheus, which reads the metrics of the shops at these ports.
pub(crate) fn prometheus(shops: &[u16]) -> String {
    let targets: Vec<String> = shops.iter().map(|shop| format!("\"127.0.0.1:{shop}\"")).collect();
    format!(
        "global:
  scrape_interval: 1s
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: [{}]
",
        targets.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nginx_balances_shops_and_hides_their_metrics() {
        let text = nginx(Path::new("/tmp/folder"), 8000, &[3001, 3002]);
        for part in [
            "        server 127.0.0.1:3001 max_fails=1 fail_timeout=1s;\n",
            "        server 127.0.0.1:3002 max_fails=1 fail_timeout=1s;\n        keepalive 16;\n",
            "listen 127.0.0.1:8000;",
            "location = /metrics { return 404; }",
            "pid /tmp/folder/nginx.pid;",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(text.matches('{').count(), text.matches('}').count(), "{text}");
        assert!(!text.contains("non_idempotent"), "a form must not be sent twice: {text}");
    }

    #[test]
    fn prometheus_reads_metrics_of_both_shops() {
        let text = prometheus(&[3001, 3002]);
        assert!(text.contains("targets: [\"127.0.0.1:3001\", \"127.0.0.1:3002\"]\n"), "{text}");
    }
}

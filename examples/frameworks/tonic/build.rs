//! Generates the service. An application with a `.proto` file uses `tonic_prost_build` instead.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let add = Method::builder()
        .name("add")
        .route_name("Add")
        .input_type("crate::Product")
        .output_type("crate::Cart")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let shop = Service::builder().name("Shop").package("shop").method(add).build();
    Builder::new().build_client(false).compile(&[shop]);
}

//! Greets, and tells what its Pod gave it.

use std::env;

fn main() {
    let setting = |name| env::var(name).unwrap_or_default();
    println!("Hello from Rust!");
    println!("My Pod is {}/{}", setting("NAMESPACE"), setting("POD"));
    let args: Vec<String> = env::args().skip(1).collect();
    println!("My arguments are: {}", args.join(" "));
}

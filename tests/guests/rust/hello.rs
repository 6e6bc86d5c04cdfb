//! Prints what it was given: its arguments and its environment, in order.

use std::env;

fn main() {
    println!("hello from stdout!");
    eprintln!("hello from stderr!");
    let mut environment: Vec<(String, String)> = env::vars().collect();
    environment.sort();
    for (name, value) in environment {
        println!("{name}={value}");
    }
    let args: Vec<String> = env::args().skip(1).collect();
    println!("Args are: {args:?}");
}

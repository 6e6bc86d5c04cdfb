//! Counts words in a hash map: SipHash, probing and allocation.
use std::collections::HashMap;

fn main() {
    let rounds: u64 = std::env::args().nth(1).map_or(3_000_000, |n| n.parse().expect("a number"));
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut seed = 1_u64;
    for _ in 0..rounds {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *counts.entry(format!("word{}", (seed >> 33) % 50_000)).or_insert(0) += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    println!("{} {most}", counts.len());
}

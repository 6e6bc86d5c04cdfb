//! Sorts numbers, stably and unstably.
fn main() {
    let length: usize = std::env::args().nth(1).map_or(3_000_000, |n| n.parse().expect("a number"));
    let mut seed = 1_u32;
    let mut numbers: Vec<u32> = (0..length)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            seed
        })
        .collect();
    let mut others = numbers.clone();
    numbers.sort();
    others.sort_unstable_by(|a, b| b.cmp(a));
    println!("{} {}", numbers[length / 2], others[length / 3]);
}

//! Reads a JSON text into a tree and adds up its numbers, again and again.
use std::collections::BTreeMap;

enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn space(&mut self) {
        while self.at < self.text.len() && self.text[self.at].is_ascii_whitespace() {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn text(&mut self) -> String {
        assert!(self.eat(b'"'));
        let mut result = Vec::new();
        loop {
            let byte = self.text[self.at];
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(result).expect("UTF-8"),
                b'\\' => {
                    result.push(self.text[self.at]);
                    self.at += 1;
                }
                _ => result.push(byte),
            }
        }
    }

    fn value(&mut self) -> Value {
        self.space();
        match self.text[self.at] {
            b'"' => Value::Text(self.text()),
            b'{' => {
                self.at += 1;
                let mut map = BTreeMap::new();
                while !self.eat(b'}') {
                    let key = self.text();
                    assert!(self.eat(b':'));
                    map.insert(key, self.value());
                    self.eat(b',');
                }
                Value::Map(map)
            }
            b'[' => {
                self.at += 1;
                let mut list = Vec::new();
                while !self.eat(b']') {
                    list.push(self.value());
                    self.eat(b',');
                }
                Value::List(list)
            }
            b't' => {
                self.at += 4;
                Value::Bool(true)
            }
            b'f' => {
                self.at += 5;
                Value::Bool(false)
            }
            b'n' => {
                self.at += 4;
                Value::Null
            }
            _ => {
                let start = self.at;
                while self.at < self.text.len() && b"+-.eE0123456789".contains(&self.text[self.at])
                {
                    self.at += 1;
                }
                let number = std::str::from_utf8(&self.text[start..self.at]).expect("UTF-8");
                Value::Number(number.parse().expect("a number"))
            }
        }
    }
}

fn sum(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => *number,
        Value::Text(text) => text.len() as f64,
        Value::List(list) => list.iter().map(sum).sum(),
        Value::Map(map) => map.values().map(sum).sum(),
    }
}

fn main() {
    let rounds: usize = std::env::args().nth(1).map_or(100, |n| n.parse().expect("a number"));
    let items: Vec<String> = (0..1000)
        .map(|i| format!(r#"{{"id": {i}, "name": "item \"{i}\"", "price": {i}.25, "tags": ["a", "b"], "ok": true, "next": null}}"#))
        .collect();
    let text = format!("[{}]", items.join(", "));
    let mut total = 0.0;
    for _ in 0..rounds {
        total += sum(&Parser { text: text.as_bytes(), at: 0 }.value());
    }
    println!("{total}");
}

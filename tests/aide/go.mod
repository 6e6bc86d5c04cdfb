// Small help for the tests that needs nothing but Go's standard library; main.go says what.
module krustlet.dev/tests/aide

go 1.26.0

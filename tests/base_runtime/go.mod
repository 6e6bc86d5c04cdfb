module krustlet.dev/tests/base_runtime

go 1.26.0

// A demo of krustlet; README.md says how to run it.
module krustlet.dev/demos/config-and-secrets

go 1.21

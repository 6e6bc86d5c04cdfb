// A demo of krustlet; README.md says how to run it.
module krustlet.dev/demos/deployment

go 1.21

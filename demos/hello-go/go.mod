// A demo of krustlet; README.md says how to run it.
module krustlet.dev/demos/hello-go

go 1.21
